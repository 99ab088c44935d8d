"""What a reader knows: phrases by which provisions say the same thing in different words.

Each entry is a concept and the phrases that speak of it; none is tied to a document or a number.
"""

from __future__ import annotations

__all__ = ["CONCEPTS", "REGULATED", "VALUES"]

import re

_CONCEPTS = """
account balance: bookkeeping record | separate ledger
beneficiary: named to receive | chosen to take
disability: qualifies the participant for social security | has been awarded social security
state law: laws govern the plan
plan year: 12-month accounting period | twelve (12) consecutive months
compensation: wages reported on form w-2 | remuneration shown in box 1 of the wage statement
spouse: lawfully married | joined to the participant in a marriage
minimum age: attaining the minimum age | reaching the birthday that the sponsor has set
service requirement: completing the period of employment | has worked for the employer for the time
entry dates: becomes a participant on the first entry date | joins at the next enrollment window
excluded employees: classes of employees shut out | who belongs to a carved-out group
rehire: who is hired again | who left and comes back to work
auto enrollment: deemed to have elected | treated as having signed a salary reduction form
military leave: qualified military service | returning from the uniformed services
elective deferrals: enter into a salary deferral agreement | direct the employer to withhold a part of plan pay
catch-up: additional catch-up deferrals | defer beyond the usual ceiling
matching: match each participant's elective deferrals | adds a matching amount
true-up: recomputes matching on annual pay
nonelective allocation: discretionary nonelective contribution is allocated | profit sharing amount is divided
annual additions: annual additions | total put into an individual account
rollover in: roll over into the plan | accepts transfers from a prior employer's plan
after-tax: make voluntary after-tax contributions
vesting schedule: vests gradually | becomes nonforfeitable in full
vesting on death: fully vested if the participant dies or becomes disabled | death or incapacity while at work makes
  everything nonforfeitable
vesting service: year of vesting service | year is counted toward ownership
forfeiture timing: is forfeited at the earlier | lapses once the earned part is paid
forfeitures reduce: used to reduce employer contributions
forfeitures allocate: shared among the remaining participants
normal retirement age: normal retirement age | standard retirement age
early retirement: retire early | stops work ahead of the standard retirement age
separation: distributable upon severance from employment | ceases to work for the employer
cash-out: cashed out without consent | pays it out whether or not the participant asks
rmd: required minimum distributions | minimum payments must start
in-service: withdraw while still employed | may take money out without leaving work
hardship: immediate and heavy financial need | pressing and serious need of money
hardship suspension: barred from making deferrals | continues to defer after an emergency withdrawal
joint annuity: paid as a joint and survivor annuity | benefit of a married person is a lifelong income that
  continues to the survivor
direct rollover: eligible rollover distribution paid directly | be sent straight to a different plan or ira
loan limit: loan may not exceed | most that may be borrowed
loan term: loan must be repaid within | borrowed money is paid back over no more than
loan default: missed installment puts the loan in default | skips an instalment is in default
adp test: actual deferral percentage | highly paid participants the average rate of deferral
coverage: benefit a nondiscriminatory group | share of lower paid employees who are covered
top-heavy minimum: non-key employee receives a minimum | those who are not key employees are given at least
top-heavy determination: accounts of key employees exceed | more than | belongs to key employees
target age: full years since a person's birth
purpose: save for their later years
hce: an owner of more than
transfer of class: moved into a group that may join
waiver: sign an irrevocable refusal
roth: designate deferrals as roth
qnec: contribute fully earned amounts to correct
qdro procedure: court order that splits a benefit
disaster: federally declared disaster area
loan application: request to borrow is made on the form
loan fees: bears the cost of setting up
claims: denied claim may be appealed
amendment: alter the terms of the plan
aa plan name: full legal name of the plan | the plan is known as
aa employer: name of the employer that adopts | company that sponsors
aa plan year: plan year ends on | books of the plan close each year on
aa state: state whose law governs
aa effective: date on which this restatement takes effect
aa age: have attained | may join from the birthday
aa service: completed this period of service | how long an employee must have worked
aa entry: entry dates are | an employee joins on
aa excluded: these classes are excluded | groups left out of the plan
aa hours: hours of service are determined
aa deferral: defer up to | share of plan pay that a participant may defer
aa match: employer matches | rate at which the employer adds
aa roth: roth elective deferrals are permitted | participants may choose roth treatment
aa catch-up: participants aged 50 may make catch-up contributions
aa nonelective: nonelective contributions are | a profit sharing amount is paid
aa allocation: nonelective contributions are allocated by
aa auto: default deferral rate
aa comp excl: items not counted as compensation
aa safe harbor: the plan is a safe harbor plan
aa vesting: employer contributions vest under | employer money is earned
aa forfeiture: forfeitures are used to | what is done with lapsed balances
aa disability vest: a disabled participant is fully vested
aa nra: normal retirement age is | the standard retirement age is
aa early: early retirement is allowed at
aa in-service: withdrawals during employment are allowed | money may be taken out before leaving work
aa hardship: hardship withdrawals are permitted | a participant may withdraw in an emergency
aa loans: participant loans are permitted | participants may borrow from the plan
aa loan count: loans outstanding at one time
aa cash-out: accounts are cashed out without consent up to | balances are paid without request up to
aa forms: benefits may be paid as
aa brokerage: participants may open a brokerage window
aa fees: recordkeeping charges are paid by
"""
_VALUES = """
reduce contributions: reduce employer contributions | lower what the employer owes
increase allocations: increase allocations | shared among participants
pay expenses: pay plan expenses | cover costs of the plan
bargaining unit: collective bargaining agreement | members of a bargaining unit
nonresident aliens: nonresident aliens
leased employees: leased employees
students: interns and students | student workers
year end december: december 31
year end june: june 30
discretionary: discretionary | at the sponsor's discretion
fixed: fixed at | each year at
at once: immediate full vesting | at once
cliff: 3-year cliff | in full after
graded: graded from | in steps over
"""
REGULATED = re.compile(
    r"401\(a\)\(9\)|411\(a\)\(11\)|without (?:the )?consent|cashed out|paid without request"
    r"|deferrals? after a hardship|suspension after hardship|recipient is not asked",
    re.IGNORECASE,
)
"""Words of provisions whose numbers the law sets: another number is a matter of compliance."""


def _read(text: str) -> dict[str, tuple[str, ...]]:
    entries: dict[str, tuple[str, ...]] = {}
    for line in text.strip().replace("\n  ", " ").splitlines():
        key, _, phrases = line.partition(": ")
        entries[key] = tuple(phrase.strip() for phrase in phrases.split(" | "))
    return entries


CONCEPTS = _read(_CONCEPTS)
"""Concept -> its phrases, in lower case."""
VALUES = _read(_VALUES)
"""What an option without a number chooses -> the phrases for it, in lower case."""
