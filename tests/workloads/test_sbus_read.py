"""Opening a scenario: the holes of real exports, bad records, and files that cannot be used."""

from __future__ import annotations

import copy
import gc
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from sbus_kit import BATTERY, SOLAR, case_of, default_offers, documents, household, incentive, offers_of, row, supplier

from igent.errors import DataError
from igent.records.json_reader import read_document
from igent.types import Record, Stock
from igent.workload import Document
from igent.workloads.sbus.model import parse_request
from igent.workloads.sbus.workload import WORKLOAD


def records(*rows: Any) -> list[Record]:
    return list(WORKLOAD.open(documents(list(rows))).records)


def problems(offers: Any = None, **others: Any) -> str:
    with pytest.raises(DataError) as caught:
        WORKLOAD.open(documents([household()], offers, **others))
    return str(caught.value)


def test_records_keep_order_place_and_exported_fields() -> None:
    one, two = household(), household(RegistrationNumber=" SPUS10002 ")
    found = records(one, two)
    assert [(r.id, r.index, r.source, r.problem) for r in found] == [
        ("SPUS10001", 0, "registrations.json:2", None),
        ("SPUS10002", 1, "registrations.json:3", None),
    ]
    assert found[1].data == two


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"Proposal_OptimalAmountOfPanels": "18"}, (18, 0)),
        ({"Proposal_OptimalAmountOfPanels": None, "Product_AmountOfPanels": 7}, (7, 0)),
        ({"Proposal_OptimalAmountOfPanels": 0, "Product_AmountOfPanels": "7"}, (7, 0)),
        ({"Proposal_OptimalAmountOfPanels": None, "Proposal_OptimalAmountOfBatteries": "1"}, (0, 1)),
        ({"Proposal_OptimalAmountOfPanels": 12.0, "Product_AmountOfPanels": "lots"}, (12, 0)),
        ({"Proposal_OptimalAmountOfBatteries": 2}, (10, 2)),
        ({"Proposal_OptimalAmountOfBatteries": None}, (10, 0)),
    ],
)
def test_what_is_asked(fields: dict[str, Any], asked: tuple[int, int]) -> None:
    request, wrong = parse_request(household(**fields))
    assert (request.panels, request.batteries) == asked
    assert not wrong


def test_holes_of_real_exports_are_no_problem() -> None:
    found = records(
        household(Contact_state="84", Contact_Zip=60601),
        household(RegistrationNumber="B", Contact_Zip="60601-1234", Contact_LowMediumIncome="1"),
        household(RegistrationNumber=7, Contact_state=None, Contact_Utility=None, Contact_LowMediumIncome=None),
    )
    assert [r.problem for r in found] == [None] * 3
    assert [r.id for r in found] == ["SPUS10001", "B", "7"]


@pytest.mark.parametrize(
    ("fields", "payment"),
    [
        ({}, "Cash"),
        ({"Proposal_PaymentType": "Loan"}, "Loan"),
        ({"paymentMethod": "12-year LOAN"}, "Loan"),
        ({"Proposal_PaymentType": "Cash, Loan"}, "Cash"),
        ({"Proposal_PaymentType": None}, "Cash"),
        ({"Comment": "a loan?"}, "Cash"),
    ],
)
def test_cash_unless_the_registration_says_loan(fields: dict[str, Any], payment: str) -> None:
    assert parse_request(household(**fields))[0].payment == payment


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"Contact_Zip": None}, "has no Contact_Zip"),
        ({"Contact_Zip": ""}, "has no Contact_Zip"),
        ({"Contact_Zip": "6060"}, "'6060' is no ZIP code"),
        ({"Proposal_OptimalAmountOfPanels": -3}, "Proposal_OptimalAmountOfPanels is -3"),
        ({"Proposal_OptimalAmountOfPanels": 12.5}, "12.5"),
        ({"Proposal_OptimalAmountOfBatteries": "two"}, "'two'"),
        ({"Proposal_OptimalAmountOfPanels": None}, "neither panels nor batteries"),
        ({"Contact_LowMediumIncome": "maybe"}, "'maybe': write 0 or 1"),
        ({"RegistrationNumber": None}, "no RegistrationNumber"),
        ({"RegistrationNumber": "SPUS\ud800"}, "half a character"),
        ({"Contact_Zip": "6000٨"}, "Contact_Zip"),
    ],
)
def test_a_bad_registration_is_a_record_with_a_problem(fields: dict[str, Any], what: str) -> None:
    bad, good = records(household(**fields), household(RegistrationNumber="GOOD"))
    assert bad.problem is not None
    assert what in bad.problem
    assert bad.problem.startswith("registrations.json:2: ")
    assert good.problem is None


def test_rows_that_are_no_objects_and_rows_without_id_get_ids_of_their_own() -> None:
    found = records("oops", household(RegistrationNumber=""), None)
    assert [r.id for r in found] == ["registration 1", "registration 2", "registration 3"]
    assert all(r.problem for r in found)
    assert "not an object" in str(found[0].problem)


def test_a_double_id_the_first_counts() -> None:
    found = records(household(), household(), household(RegistrationNumber="SPUS10001#2"), household())
    assert [r.id for r in found] == ["SPUS10001", "SPUS10001#3", "SPUS10001#2", "SPUS10001#4"]
    assert found[0].problem is None
    assert found[2].problem is None
    assert "registrations.json:2" in str(found[1].problem)
    assert "registrations.json:3" in str(found[1].problem)


def test_the_second_of_two_equal_ids_is_number_2() -> None:
    assert [r.id for r in records(household(), household())] == ["SPUS10001", "SPUS10001#2"]


MIXED = [
    household(),
    "oops",
    household(RegistrationNumber=" A "),
    household(),
    household(Contact_Zip="6060"),
    household(RegistrationNumber=None),
    household(RegistrationNumber="SPUS10001#2"),
    household(RegistrationNumber="registration 6"),
]


async def test_registrations_read_from_their_file_one_at_a_time_are_the_same(tmp_path: Path) -> None:
    path = tmp_path / "registrations.json"
    path.write_text("[\n" + ",\n".join(json.dumps(row) for row in MIXED) + "]")
    document = await read_document(path, "registrations.json")
    lazy = WORKLOAD.open(documents([household()]) | {"registrations": document}).records
    assert list(lazy) == records(*MIXED)
    assert "value" not in vars(document), "the list was never in memory"


def test_any_part_of_the_records_is_a_sequence_of_them() -> None:
    found = WORKLOAD.open(documents(MIXED)).records
    whole = list(found)
    assert (len(found), found[-1], found[2]) == (8, whole[-1], whole[2])
    assert list(found[2:7:2]) == whole[2:7:2]
    assert list(found[:5][1:]) == whole[1:5]
    assert found[:5][0].index == 0
    with pytest.raises(IndexError):
        found[:5][5]


def test_a_long_file_of_registrations_takes_little_memory() -> None:
    rows = [household(RegistrationNumber=f"SPUS{number:05d}") for number in range(2_000)]
    found = WORKLOAD.open(documents(rows)).records
    gc.collect()
    tracemalloc.start()
    try:
        assert sum(record.problem is None for record in found) == 2_000
        assert tracemalloc.get_traced_memory()[0] < 10_000
    finally:
        tracemalloc.stop()


def test_registrations_must_be_a_list() -> None:
    with pytest.raises(DataError, match=r"registrations\.json: .*not a list"):
        WORKLOAD.open(documents({"a": 1}))


def test_all_problems_of_all_files_at_once() -> None:
    offers = default_offers()
    del offers["SupplierOffers"][0]["Capacity"]
    offers["SupplierOffers"][1]["ServiceAreas"][1] = "nowhere"
    offers["SupplierOffers"][2]["Offers"][0]["ProductPrices"][1]["CashPrice"] = -5
    text = problems(offers, incentives=[incentive(**{"Incentive name": None}), "x"])
    assert "offers.json:3: SupplierOffers[0] (S1): Capacity is missing" in text
    assert "ServiceAreas[1] is 'nowhere'" in text
    assert "SupplierOffers[2] (S3).Offers[0].ProductPrices[1]: CashPrice is -5" in text
    assert "incentives.json:2: incentive 1: Incentive name is null" in text
    assert "incentives.json:3: incentive 2 is 'x', not an object" in text
    assert len(text.splitlines()) == 5


@pytest.mark.parametrize(
    ("place", "value", "what"),
    [
        (("SupplierOffers",), [], "SupplierOffers is empty"),
        (("SupplierOffers",), {}, "SupplierOffers is an object"),
        (("CampaignID",), None, "CampaignID is null"),
        (("SupplierOffers", 0), 3, "SupplierOffers[0] is 3, not an object"),
        (("SupplierOffers", 0, "SupplierID"), "S2", "'S2' is there twice"),
        (("SupplierOffers", 0, "Capacity"), "lots", "Capacity is 'lots'"),
        (("SupplierOffers", 0, "InterestRate"), "high", "InterestRate is 'high'"),
        (("SupplierOffers", 0, "Offers", 0), None, "Offers[0] is not an object"),
        (("SupplierOffers", 0, "Offers", 0, "ProductType"), "Wind", "ProductType is 'Wind'"),
        (("SupplierOffers", 0, "Offers", 0, "ProductCapacity"), "big", "ProductCapacity is 'big'"),
        (("SupplierOffers", 0, "Offers", 0, "ProductPrices"), [], "ProductPrices is empty"),
        (("SupplierOffers", 0, "Offers", 0, "ProductPrices", 0, "Quantity"), 0, "Quantity is 0"),
        (("SupplierOffers", 0, "Offers", 0, "ProductPrices", 0, "Quantity"), 10, "Quantity 10 is there twice"),
        (("SupplierOffers", 0, "Offers", 0, "ProductPrices", 0), 9, "ProductPrices[0] is not an object"),
    ],
)
def test_bad_offers(place: tuple[Any, ...], value: Any, what: str) -> None:
    offers = copy.deepcopy(default_offers())
    inner = offers
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    text = problems(offers)
    assert what in text
    assert text.startswith("offers.json")


def test_offers_that_are_no_object() -> None:
    assert "not an object" in problems([1, 2])


def test_offers_may_write_numbers_as_strings_and_zips_as_numbers() -> None:
    rows = [{"Quantity": "8", "CashPrice": "9,000", "LMICashPrice": None, "LoanInstallment": "90.0"}]
    dataset = WORKLOAD.open(documents([household()], offers_of(supplier("S1", [60601], solar=rows))))
    product = dataset.reference.suppliers[0].products[0]
    assert dataset.reference.suppliers[0].areas == {"60601"}
    assert (product.rows[0].cash, product.rows[0].lmi_cash, product.rows[0].loan) == (9000, 0, 90)


@pytest.mark.parametrize(("written", "watts"), [("400 W", 400), ("400", 400), (400.0, 400), (None, None)])
def test_a_panels_capacity_with_or_without_its_unit(written: Any, watts: int | None) -> None:
    offers = default_offers()
    offers["SupplierOffers"][0]["Offers"][0]["ProductCapacity"] = written
    offers["SupplierOffers"][0]["Offers"][1]["ProductCapacity"] = "large"
    products = WORKLOAD.open(documents([household()], offers)).reference.suppliers[0].products
    assert [p.capacity for p in products] == [watts, None]


def test_price_rows_are_sorted_whatever_the_file_says() -> None:
    rows = [row(20, 1), row(8, 2), row(10, 3)]
    dataset = WORKLOAD.open(documents([household()], offers_of(supplier("S1", [60601], solar=rows))))
    assert [r.quantity for r in dataset.reference.suppliers[0].products[0].rows] == [8, 10, 20]


def entry(used: Any = 0, capacity: Any = 10, name: str | None = None) -> dict[str, Any]:
    found = {"Capacity": capacity, "Used": used, "UsedPct": 0.0}
    return found | ({"SupplierID": name} if name else {})


def test_capacity_is_made_from_the_offers_or_read() -> None:
    assert WORKLOAD.open(documents([household()])).capacity == {f"S{n}": Stock(10, 0) for n in (1, 2, 3)}
    given = {"S3": entry(1, 2, "S3"), "S1": entry("2", "5"), "S2": entry()}
    found = WORKLOAD.open(documents([household()], capacity=given)).capacity
    assert list(found.items()) == [("S1", Stock(5, 2)), ("S2", Stock(10, 0)), ("S3", Stock(2, 1))]


@pytest.mark.parametrize(
    ("given", "what"),
    [
        ({"S1": entry(), "S2": entry(), "S3": entry(), "S33": entry()}, "capacity.json:5: supplier 'S33'"),
        ({"S1": entry(), "S2": entry(), "S3": entry(), "S33": entry()}, "did you mean 'S3'?"),
        (
            {"S1": entry(11), "S2": entry(), "S3": entry()},
            "capacity.json:2: supplier 'S1': Used 11 is more than Capacity",
        ),
        ({"S1": entry(-1), "S2": entry(), "S3": entry()}, "Used is -1"),
        ({"S1": {"Used": 0}, "S2": entry(), "S3": entry()}, "Capacity is missing"),
        ({"S1": 5, "S2": entry(), "S3": entry()}, "supplier 'S1' is 5, not an object"),
        ({"S1": entry(name="S2"), "S2": entry(), "S3": entry()}, "SupplierID is 'S2'"),
        ({"S1": entry(), "S2": entry()}, "supplier 'S3' of the offers is missing"),
        ([], "not an object"),
    ],
)
def test_bad_capacity(given: Any, what: str) -> None:
    assert what in problems(capacity=given)


def test_bad_incentives() -> None:
    found = documents([household()]) | {"incentives": Document("incentives.json", {"a": 1})}
    with pytest.raises(DataError, match="not a list"):
        WORKLOAD.open(found)
    assert "LMI is 'perhaps'" in problems(incentives=[incentive(LMI="perhaps")])


def test_an_unreadable_date_is_noted_and_no_error() -> None:
    reference = case_of(incentives=[incentive(**{"Start date": "soon"})]).reference
    assert "Start date: 'soon'" in reference.notes[0]


def test_capacity_document_has_the_shape_of_the_file() -> None:
    document = WORKLOAD.capacity_document({"S1": Stock(3, 1)})
    assert document == {"S1": {"SupplierID": "S1", "Capacity": 3, "Used": 1, "UsedPct": 0.33}}
    read = WORKLOAD.open(
        documents([household()], offers_of(supplier("S1", [1001], solar=SOLAR, battery=BATTERY)), capacity=document)
    )
    assert read.capacity == {"S1": Stock(3, 1)}
