"""What the provisions of generated plans are about: each subject in the words of the one vendor and of the other."""

from __future__ import annotations

__all__ = ["SUBJECTS"]

_CLASS = """
hourly cannery workers | people paid by the hour in the cannery
salaried design engineers | engineers of the design office on a salary
commission sales agents | sales agents living on commission
long-haul truck drivers | drivers of trucks on the long routes
seasonal harvest crews | crews taken on for the harvest season
union electricians | electricians in the union's bargaining unit
part-time cashiers | cashiers who work less than full time
resident physicians | physicians in residency training
expatriate managers | managers posted abroad
apprentice welders | welders still in their apprenticeship
call center staff | those answering telephones in the call center
adjunct instructors | instructors hired course by course
ferry deckhands | deckhands of the ferry boats
laboratory technicians | technicians who staff the laboratory
"""
_SOURCE = """
matching contributions | amounts given as the employer match
profit sharing contributions | money shared out of company profit
safe harbor contributions | grants made to be a safe harbor
Roth deferrals | deferrals treated as Roth money
rollover accounts | accounts rolled in from former plans
money purchase balances | balances of the merged money purchase pension
prevailing wage contributions | payments under prevailing wage law
corrective nonelective contributions | nonelective grants made to correct failed tests
employee stock ownership shares | company stock held in the ownership part
student loan matches | matches on repaid student debt
catch-up deferrals | deferrals of older savers who catch up
voluntary after-tax contributions | voluntary savings out of taxed pay
cash balance transfers | sums transferred from the cash balance plan
transition credits | credits granted in the transition period
"""
_EVENT = """
the birth or adoption of a child | a child that is born or adopted
terminal illness | an illness that is terminal by a doctor's word
a divorce decree | the decree of a divorce court
a permanent layoff | being laid off for good
the sale of a division | a division that is sold to others
termination of the plan | a plan that is brought to its end
a call to active military duty | orders to active duty in the military
domestic abuse | abuse suffered in the domestic circle
a federally declared disaster | a disaster that the federal government declares
flood damage to the home | a home damaged by a flood
college tuition | the tuition that a college asks
funeral expenses | the expenses of a funeral
an eviction notice | the notice that threatens eviction
long-term care premiums | premiums paid for care over the long term
"""
_ITEM = """
annual bonuses | the bonus paid once a year
overtime premiums | premium amounts for overtime
sales commissions | commission on sales
severance packages | the package given at severance
customer tips | tips left by a customer
moving reimbursements | what is reimbursed for moving house
car allowances | the allowance for keeping a car
stock option gains | gains from an option on stock
night shift differentials | the extra differential for a night shift
sick leave payouts | unused sick leave that is paid
jury duty make-up | what makes up for jury duty
unused vacation cash | vacation turned into cash
housing stipends | a stipend for housing
sign-on awards | the award for signing on
"""
_PLACE = """
the Astoria cannery | the business at the Astoria cannery
the Bellweather shipyard | operations of the Bellweather shipyard
the Corvane paper mill | the mill making paper at Corvane
the Dunmore rail terminal | the terminal of the Dunmore railway
the Eastlake hospital | the hospital by Eastlake
the Fallbrook orchards | the orchards around Fallbrook
the Granger foundry | the foundry known as Granger
the Hollis brewery | the brewery in Hollis
the Ironwood quarry | the quarry near Ironwood
the Juniper Bay hotel | the hotel on Juniper Bay
the Kestrel air freight unit | the unit that flies freight as Kestrel
the Lowmoor textile works | the textile factory of Lowmoor
the Marlow printing house | the house printing at Marlow
the Norwick dairy | the dairy of Norwick
"""


def _read(text: str) -> tuple[tuple[str, str], ...]:
    lines = [line.split(" | ") for line in text.strip().splitlines()]
    return tuple((line[0].strip(), line[1].strip()) for line in lines)


SUBJECTS = {
    "class": _read(_CLASS),
    "source": _read(_SOURCE),
    "event": _read(_EVENT),
    "item": _read(_ITEM),
    "place": _read(_PLACE),
}
"""By kind: pairs of the words of the source's vendor and of the target's."""
