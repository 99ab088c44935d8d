"""Provisions of generated plans, first part: who joins, what is put in, how it is shared, what pay is, who owns it."""

from __future__ import annotations

__all__ = ["RULES"]

RULES = """
eligibility_rule class months
A: Waiting Period for {s} | The {s} *must complete a waiting period* of {1} months of continuous employment, counted
from the first hour paid, before the plan is open to them.
B: Time before Joining | *May not join until they have been on the payroll for* {1} months without a gap: this is the
rule for {s}, and the count starts with the first paid hour.

eligibility_rule class age
A: Minimum Age of {s} | The plan is *closed to anyone younger than* age {1} among the {s}; birthdays are proved by
government documents.
B: Age Limit | Of {s}, only those who *have reached at least* age {1}, shown by an official document of birth, may
join.

eligibility_rule class hours
A: Hours Worked by {s} | To be eligible, the {s} *must be credited with* {1} hours in the twelve-month computation
period.
B: Work Needed to Join | For {s} the right to join *depends on having worked* {1} hours during the period over which
work is computed.

eligibility_rule place
A: Exclusion of {s} | Employees of {s} *are excluded from eligibility* until the Employer extends the plan to them by
written resolution.
B: Units Left Out | *Nobody may join who is employed in* {s}, unless the sponsor has resolved in writing to bring that
unit in.

eligibility_rule place days
A: Eligibility after Acquisition | Persons who come with the purchase of {s} *are eligible upon the closing*, once {1}
days have passed and their data have been received.
B: Acquired Employees | When the sponsor buys {s}, those employed there *may join as the purchase is completed*, the
recordkeeper being given {1} days to load their data.

participation_rule class days
A: Entry Date of {s} | The {s} *enter the plan on the first payday* that follows eligibility, and forms must be
returned within {1} days.
B: When Joining Takes Effect | Joining *takes effect with the next payroll run* for {s} who may join, if the signed
form is back in {1} days.

participation_rule class percent
A: Automatic Enrollment of {s} | Newly hired {s} *are enrolled automatically* at {1} of pay unless they opt out.
B: Joining without a Form | *Silence counts as consent* to joining with {1} of pay withheld, where {s} are newly taken
on.

participation_rule class
A: Reentry of {s} | Former participants among the {s} *reenter the plan immediately* on resuming covered work.
B: Coming Back | If {s} return, their *participation revives on the day of return* to work that is covered.

contribution_formula class percent percent
A: Match for {s} | The Employer *contributes a matching amount* equal to {1} of the elective deferrals of {s},
ignoring deferrals above {2} of pay.
B: Employer Match | To the deferrals made by {s} the sponsor *adds {1} of each dollar saved*, leaving out of account
what exceeds {2} of pay.

contribution_formula class percent
A: Fixed Contribution for {s} | A *nonelective contribution is made irrespective of saving* for the {s}, at {1} of
pay.
B: Contribution without Saving | The sponsor *puts in {1} of pay even for those who save nothing*, this applying to
{s}.

contribution_formula class dollars
A: Flat Dollar Contribution for {s} | Each of the {s} *receives a flat amount* of {1} a year from the Employer.
B: Yearly Lump | A *uniform yearly sum* of {1} from the sponsor goes to every one of the {s}.

contribution_formula item percent
A: Deferral from {s} | A Participant may *make a special deferral election* of up to {1} out of {s}.
B: One-Time Deferrals | *A separate salary reduction order* can be signed over {s}, reaching at most {1}.

contribution_formula source days
A: Deposit of {s} | The Employer *must transmit to the trustee* all {s} within {1} days after the close of the year.
B: Funding Deadline | Not later than {1} days from the end of the year the trust *must be in possession of* {s}.

contribution_formula source percent
A: Cap on {s} | The yearly total of {s} *may not rise above* {1} of pay as limited by Code Section 401(a)(17).
B: Ceiling | *A ceiling holds down* {s}: {1} of pay, itself counted only up to the limit in Section 401(a)(17) of the
Code.

contribution_formula source
A: Suspension of {s} | The Employer may *suspend during the year* its {s} upon a notice to all Participants.
B: Stopping Contributions | By notifying the Participants the sponsor can *bring to a halt in mid-year* {s}.

allocation_formula source hours
A: Allocation of {s} | The {s} *are allocated in proportion to pay* among Participants with {1} hours of service.
B: Sharing by Pay | *Each one's share follows pay* when {s} are divided among those having {1} hours.

allocation_formula source
A: Last Day Rule for {s} | No share of {s} *is allocated to one not employed on the final day* of the year.
B: Presence at Year End | Only *whoever is still at work when the year closes* has {s} divided to the account.

allocation_formula source percent
A: Integrated Allocation of {s} | The {s} are allocated with *permitted disparity above the taxable wage base*, the
excess rate being {1} under Code Section 401(l).
B: Disparity | In sharing {s}, *pay beyond what Social Security taxes* earns a further {1}, as in Section 401(l) of
the Code.

allocation_formula class
A: Allocation Group of {s} | The {s} *form a separate allocation group*, for which the Employer names an amount.
B: Groups for Sharing | When sums are divided, {s} are *treated as a class of their own* with a sum named by the
sponsor.

compensation_definition item
A: Treatment of {s} | Compensation *leaves out of the calculation* all {s}, whether paid in cash or in kind.
B: Items Not Counted | *Not a part of plan pay* is {s}, in money or in goods.

compensation_definition item days
A: Inclusion of {s} | Compensation *takes into account* any {s} paid within {1} days following severance.
B: Items Counted after Leaving | Plan pay *is increased by* {s} if received in the {1} days that follow departure.

compensation_definition class
A: Compensation of {s} | For {s} Compensation *is determined on a calendar-year basis* from payroll records.
B: Measuring Pay | Plan pay of {s} *is taken from January through December* as payroll shows it.

vesting_schedule source years
A: Cliff Vesting of {s} | A Participant *has no vested right until* {1} years of service, and then is wholly vested in
{s}.
B: Ownership All at Once | Ownership *arrives in one step* at {1} years of service for {s}.

vesting_schedule source percent years
A: Graded Vesting of {s} | Vesting *increases step by step*, by {1} a year, in {s}, complete after {2} years of
service.
B: Ownership in Portions | With each year *a further portion is owned*: {1} of {s}, the whole at {2} years of service.

vesting_schedule source
A: Immediate Vesting of {s} | The {s} *are nonforfeitable from the outset*, regardless of service, Code Section
411(a).
B: Owned from the First Day | At *the very moment they are credited* {s} are nonforfeitable: Section 411(a) of the
Code.

vesting_schedule place years
A: Prior Service Credit | For vesting, *service with a predecessor is recognized*, up to {1} years, at {s}.
B: Earlier Service | Toward ownership the plan *counts work done before the takeover* of {s}, no more than {1} years.
"""
"""Blocks, see generate_catalogue: type, kind of subject, kinds of the numbers; then title and text of each vendor."""
