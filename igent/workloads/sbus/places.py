"""The names of the states, so that "IL" in a registration meets "Illinois" in an incentive."""

from __future__ import annotations

__all__ = ["state_names"]

_STATES = """AL Alabama,AK Alaska,AZ Arizona,AR Arkansas,CA California,CO Colorado,CT Connecticut,DE Delaware,
DC District of Columbia,FL Florida,GA Georgia,HI Hawaii,ID Idaho,IL Illinois,IN Indiana,IA Iowa,KS Kansas,KY Kentucky,
LA Louisiana,ME Maine,MD Maryland,MA Massachusetts,MI Michigan,MN Minnesota,MS Mississippi,MO Missouri,MT Montana,
NE Nebraska,NV Nevada,NH New Hampshire,NJ New Jersey,NM New Mexico,NY New York,NC North Carolina,ND North Dakota,
OH Ohio,OK Oklahoma,OR Oregon,PA Pennsylvania,PR Puerto Rico,RI Rhode Island,SC South Carolina,SD South Dakota,
TN Tennessee,TX Texas,UT Utah,VT Vermont,VA Virginia,WA Washington,WV West Virginia,WI Wisconsin,WY Wyoming"""
_NAMES: dict[str, frozenset[str]] = {}
for _entry in _STATES.casefold().split(","):
    _short, _, _long = _entry.strip().partition(" ")
    _NAMES[_short] = _NAMES[_long] = frozenset({_short, _long})


def state_names(value: str) -> frozenset[str]:
    """Every casefolded name of the state: {"il", "illinois"} for "IL"; the value itself when it is no state ("84")."""
    key = value.strip().casefold()
    return _NAMES.get(key, frozenset({key} if key else ()))
