"""Elections of generated adoption agreements: the questions, in the words of each vendor, and their options."""

from __future__ import annotations

__all__ = ["QUESTIONS"]

QUESTIONS = """
eligibility_rule class age
A: Minimum Age of {s} | *Age that must be attained* by {s} (check one): | no minimum; age {1}
B: How Old | *Birthday from which the plan is open* to {s} (select one): | any; age {1}

eligibility_rule class months
A: Waiting Period of {s} | *Length of the waiting period* for {s} (check one): | none; {1} months of service
B: Time before Joining | *Months to be worked before joining*, in the case of {s} (select one): | no time; {1} months
of service

eligibility_rule place
A: Exclusion of {s} | *Employees to be excluded from eligibility* at {s} (check one): | Yes; No
B: Units Left Out | *No right to join* for those employed in {s} (select one): | Yes; No

participation_rule class percent
A: Automatic Enrollment of {s} | *Rate of automatic enrollment* of {s} (check one): | no automatic enrollment; {1} of
pay
B: Joining without a Form | *What is withheld when no form comes in* from {s} (select one): | nothing; {1} of pay

participation_rule class
A: Immediate Reentry of {s} | *Reentry on rehire is immediate* for {s} (check one): | Yes; No
B: Coming Back | *Participation revives at once on returning* in respect of {s} (select one): | Yes; No

contribution_formula class source percent
A: Formula for {s} | *Rate at which the Employer gives* {t} to {s} (check one): | nothing; {1} of pay
B: What the Sponsor Adds | *Share of pay that the sponsor adds* as {t} for {s} (select one): | nothing; {1} of pay

contribution_formula class source
A: Deferral Choice of {s} | *Are salary deferrals counted* in {t} of {s} (check one): | Yes; No
B: Salary Reduction | *Does what is withheld enter into* {t} where {s} are concerned (select one): | Yes; No

contribution_formula item percent
A: Special Deferral from {s} | *Share that can be deferred* out of {s} (check one): | no separate limit; {1}
B: Deferring from Extra Pay | *How much may be withheld* of {s} (select one): | as of other pay; {1}

allocation_formula class source hours
A: Hours for an Allocation to {s} | *Hours needed for an allocation* of {t} to {s} (check one): | none; {1} hours
B: Work Needed for a Share | *Work without which nothing is allocated* of {t} to {s} (select one): | any; {1} hours

allocation_formula class source
A: Last Day Rule for {s} | *Employment on the last day is required* to be allocated {t}, for {s} (check one): | Yes;
No
B: Presence at the Close | *Must one be there as the year closes* to have {t} divided to {s} (select one): | Yes; No

compensation_definition class item
A: Pay of {s} | *Compensation leaves out* {t} of {s} (check one): | Yes; No
B: Plan Pay | *Not counted as plan pay*: {t}, in the case of {s} (select one): | Yes; No

vesting_schedule class source years
A: Vesting of {s} | *Years until full vesting* of {s} in {t} (check one): | vested at once; {1} years of service
B: Ownership | *How long before all is owned* by {s} of {t} (select one): | owned at once; {1} years of service

vesting_schedule place years
A: Prior Service at {s} | *Predecessor service counted for vesting* from {s} (check one): | none; up to {1} years
B: Earlier Service and Ownership | *Time worked before the takeover* at {s} that is counted (select one): | none; as
much as {1} years

distribution_trigger event source
A: Access upon {s} | *Withdrawal is available* upon {s} from {t} (check one): | Yes; No
B: Payment in a Special Case | *Can money be taken out* of {t} after {s} (select one): | Yes; No

distribution_trigger event source days
A: Timing of Benefits after {s} | *Distribution starts after* {s}, for {t} (check one): | at the next valuation; {1}
days
B: Start of Payments | *When is the first payment sent* out of {t} following {s} (select one): | as soon as valued;
{1} days

hardship_withdrawal event
A: Hardship by {s} | *Hardship withdrawals are allowed* for {s} (check one): | Yes; No
B: Emergencies | *Is it an emergency*, if there is {s} (select one): | Yes; No

loan_provision class dollars
A: Loans to {s} | *Smallest loan amount* for {s} (check one): | no minimum; {1}
B: Borrowing | *The least that may be borrowed* by {s} (select one): | any sum; {1}

loan_provision class source
A: Loans from {s} | *Loans may be charged against* {t}, for {s} (check one): | Yes; No
B: Borrowing from an Account | *Is borrowing open* against {t} to {s} (select one): | Yes; No

forfeiture_usage source
A: Forfeitures of {s} | *Forfeitures lessen contributions* if they come from {s} (check one): | Yes; No
B: Lapsed Amounts | *Do lapsed amounts reduce the sponsor's bill*, when out of {s} (select one): | Yes; No

normal_retirement_age class age
A: Normal Retirement Age of {s} | *Normal retirement age is set* for {s} at (check one): | the statutory age; age {1}
B: Standard Retirement Age | *The standard retirement age chosen* for {s} (select one): | that of the law; age {1}

plan_year place
A: Short Plan Year at {s} | *A short plan year is adopted* for {s} (check one): | Yes; No
B: Broken Plan Year | *Is there an incomplete plan year* for {s} (select one): | Yes; No

top_heavy class percent
A: Top-Heavy Minimum of {s} | *Top-heavy minimum allocation rate* of {s} (check one): | the statutory rate; {1} of pay
B: Top-Heavy Years | *What is owed in a top-heavy year* to {s} (select one): | the legal rate; {1} of pay

coverage_testing source
A: Testing of {s} | *Prior year testing is used* for {s} (check one): | Yes; No
B: Test Data | *Are tests run on figures of the year before* for {s} (select one): | Yes; No

other source
A: Direction of {s} | *Participants direct the investment* of {s} (check one): | Yes; No
B: Choice of Funds | *Is each person free to choose funds* for {s} (select one): | Yes; No
"""
"""Blocks, see generate_catalogue: as those of provisions, with the options last."""
