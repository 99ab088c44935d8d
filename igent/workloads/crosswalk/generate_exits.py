"""Provisions of generated plans, second part: payments, loans, tests, forfeitures, years, and what terms mean."""

from __future__ import annotations

__all__ = ["EXITS"]

EXITS = """
distribution_trigger event dollars
A: Distribution upon {s} | A Participant *may request a single sum* of not more than {1} on account of {s}.
B: Payment in a Special Case | *One payment, limited to* {1}, is open to a Participant after {s}.

distribution_trigger event days
A: Timing after {s} | Benefits *commence without delay*, in any case within {1} days, following {s}.
B: Start of Payment | *The first check is sent* no more than {1} days after {s}.

distribution_trigger event years
A: Installments upon {s} | In the case of {s} benefits *are payable in installments* over {1} years.
B: Payment by Instalments | *Spread across* {1} years the benefit is paid where there is {s}.

distribution_trigger source age
A: In-Service Access to {s} | While employed, a Participant *may withdraw after attaining* age {1} out of {s}.
B: Payment at Work | *Leaving work is not needed for taking out* {s} from age {1} on.

distribution_trigger source
A: Rollover of {s} | A distributee *may direct an eligible rollover* of {s} under Code Section 401(a)(31).
B: Moving Money Elsewhere | *At the recipient's wish another plan or IRA receives* {s}: Section 401(a)(31) of the
Code.

distribution_trigger source dollars
A: Involuntary Distribution of {s} | Amounts *are distributed without the consent* of the Participant when {s} are
worth {1} or less.
B: Forced Payment | *The recipient is not asked* before payment of {s} that come to {1} at most.

distribution_trigger class age
A: Required Distributions to {s} | For {s} *minimum distributions begin* in April after age {1}, Code Section
401(a)(9).
B: Latest Payments | *The law's latest starting time* for payments to {s} is the April following age {1} by Section
401(a)(9) of the Code.

distribution_trigger class
A: Annuity for {s} | Married {s} *receive a survivor annuity* unless spousal consent to another form is filed.
B: Payment to Couples | *A lifelong income that passes to the widowed spouse* is paid to {s}, if the couple has not
declined it.

hardship_withdrawal event dollars
A: Hardship from {s} | A hardship *is deemed to exist* by reason of {s}, for amounts of {1} and above.
B: Emergencies | *Counts as an emergency*: {s}, if {1} or more is needed.

hardship_withdrawal source days
A: Hardship Source {s} | A hardship withdrawal *may be drawn from* {s}, and is paid within {1} days.
B: Money for Emergencies | *Open to one in an emergency* are {s}; the sum is paid in {1} days.

loan_provision class dollars
A: Loans to {s} | The {s} *may not be lent less than* {1} under any one promissory note.
B: Smallest Borrowing | *The smallest note* is {1} where {s} borrow.

loan_provision class years
A: Loan Term for {s} | Loans of {s} *are amortized over* at most {1} years with level payments.
B: Paying Back What Is Borrowed | *The debt must be gone* in {1} years by equal payments when borrowed by {s}.

loan_provision source
A: Loan Security in {s} | A loan *is secured by a lien on* {s}, and by no other property.
B: Pledge for Borrowing | *What is pledged by one who borrows* is {s}, nothing else.

loan_provision event days
A: Loan Repayment in Case of {s} | The outstanding loan *is accelerated* {1} days after {s}.
B: Early Repayment of Borrowed Money | *The whole debt falls due* with {1} days' grace upon {s}.

top_heavy class percent
A: Top-Heavy Minimum for {s} | In a top-heavy year the {s} *are guaranteed an allocation* of {1} of pay, Code Section
416.
B: Top-Heavy Years | *No less than {1} of pay is given* to {s} if the plan is top-heavy: Section 416 of the Code.

top_heavy source
A: Top-Heavy Treatment of {s} | In testing for top-heavy status {s} *are added to the account balances*.
B: Top-Heavy Sums | *Enter into the sum* by which the plan is judged top-heavy: {s}.

coverage_testing class
A: Coverage Test of {s} | In the coverage test under Code Section 410(b) the {s} *are disregarded as otherwise
excludable*.
B: Testing Coverage | *Set aside as people who need not be counted* in testing by Section 410(b) of the Code are {s}.

coverage_testing source days
A: Correction Testing of {s} | Failing tests *are corrected by refunding the excess* of {s} within {1} days.
B: Failed Tests | *What is too much goes back* out of {s} in {1} days when nondiscrimination tests fail.

coverage_testing source
A: Nondiscrimination Testing of {s} | The {s} *are tested on current year data*, Code Section 401(m).
B: Test Data | *Figures of the same year* are used in tests of {s}, Section 401(m) of the Code.

forfeiture_usage source
A: Forfeitures from {s} | Forfeitures arising in {s} *lessen what the Employer must contribute* for the next year.
B: Lapsed Amounts as a Credit | *Are set off against the sponsor's own funding* of the coming year: amounts lapsed
from {s}.

forfeiture_usage source
A: Sharing Forfeitures of {s} | Forfeitures of {s} *are distributed among active accounts* as an addition.
B: Lapsed Amounts Go to Others | *Go to those who remain* on top of their due: amounts lapsed out of {s}.

forfeiture_usage event years
A: Forfeiture after {s} | The nonvested balance *is forfeited upon* {1} years of absence that began with {s}.
B: When Unearned Money Lapses | *Lapses through absence* of {1} years whatever is unearned when there was {s}.

plan_year place months
A: Plan Year of {s} | The plan year for {s} *is a period of* {1} months ending with the fiscal close of that unit.
B: Year of the Plan | *The books cover* {1} months in each plan year of {s}, closing as the unit's accounts do.

plan_year place
A: Short Plan Year of {s} | On the merger of {s} there *is a short plan year*, for which limits are prorated.
B: Broken Plan Year | *An incomplete plan year, with limits cut down in step*, follows the joining of {s} to the
sponsor.

normal_retirement_age class age
A: Normal Retirement Age of {s} | For {s} normal retirement age *is reached upon attainment of* age {1}.
B: Standard Retirement Age | *The birthday of retirement* is age {1} in the case of {s}.

normal_retirement_age class years
A: Early Retirement Age of {s} | The {s} *may retire ahead of time* once they have {1} years of service.
B: Retirement before the Standard Age | *A premature but full retirement* is granted to {s} at {1} years of service.

definition place
A: Participating Employer | Participating Employer means {s} *by adoption, as long as it stays* in the controlled
group.
B: Adopting Companies | Adopting Company means {s} too, *for the time that common control lasts*.

definition class
A: Covered Group | Covered Group means the {s} *as shown in the personnel register*.
B: Unit of Members | Unit of Members means {s}, *whom the staff register so describes*.

definition source
A: Subaccount | Subaccount means the *bookkeeping entry that tracks* {s} with their gains and losses.
B: Separate Ledger | Separate Ledger means a *column in the records kept for* {s}, up or down with the market.

definition event
A: Qualifying Event | Qualifying Event means {s}, *evidenced by documents* that satisfy the administrator.
B: Life Change | Life Change means {s} *of which convincing papers* are given to the committee.

definition item
A: Irregular Pay | Irregular Pay means {s} *paid outside the regular payroll cycle* of the Employer.
B: Special Payroll Entry | Special Payroll Entry means {s} *handed over between ordinary paydays*.

definition event months
A: Leave Period | Leave Period means an *absence authorized for up to* {1} months due to {s}.
B: Approved Absence | Approved Absence means *time away, allowed for* {1} months at most, because of {s}.

other place
A: Notices at {s} | Notices to Participants at {s} *are posted and also mailed* to the last known address.
B: Messages | *Hung up on the board and sent by letter* is every message for people in {s}.

other source
A: Investment of {s} | Participants *choose the investment funds* for {s} from the menu of the trustee.
B: Investing | *Which funds hold* {s} is decided by each person from a list drawn up by the trustee.

other class days
A: Claims by {s} | A claim made by {s} *is decided in writing* by the administrator in {1} days.
B: Answers to Claims | *The committee replies to a request for benefits* in {1} days, where {s} ask.
"""
"""Blocks, see generate_catalogue: type, kind of subject, kinds of the numbers; then title and text of each vendor."""
