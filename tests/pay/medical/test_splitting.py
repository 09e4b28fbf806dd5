"""How a total is split: Σ legs = total and none is negative, whatever the rule, the person and the year."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pay.medical.insured import REGIONS, sandbox_person
from pay.medical.model import Category, FeeTotals, Grade, Insured, Scheme, Sums
from pay.medical.splitting import Band, Cover, Patient, Rule, split

_fen = st.integers(0, 10**8)
_mille = st.integers(0, 1000)
_cap = st.none() | _fen
_covers = st.none() | st.builds(Cover, share=_mille, over=_fen, cap=_cap)


@st.composite
def _bands(draw: st.DrawFn) -> list[Band]:
    rising = sorted(draw(st.sets(st.integers(1, 10**8), max_size=4)))
    bands = [Band(up_to=one, share=draw(_mille)) for one in rising]
    return [*bands, Band(share=draw(_mille))] if draw(st.booleans()) else bands


_rules = st.builds(
    Rule,
    limit=_fen,
    b_first=_mille,
    deductible=st.dictionaries(st.sampled_from(Grade), _fen),
    deductible_yearly=st.booleans(),
    bands=_bands(),
    by_grade=st.dictionaries(st.sampled_from(Grade), st.integers(-1000, 1000)),
    cap=_cap,
    serious=_covers,
    civil=_covers,
    aid=_covers,
    commercial=_covers,
    personal=st.booleans(),
)
_years = st.builds(Sums, *[_fen] * 7)
_patients = st.builds(
    Patient, st.sampled_from(Grade), st.frozensets(st.sampled_from(Category)), st.booleans(), st.integers(-5, 10**8)
)


@st.composite
def _fees(draw: st.DrawFn) -> FeeTotals:
    a, b, c = draw(_fen), draw(_fen), draw(_fen)
    return FeeTotals(a + b + c, b, c)


@given(_rules, _fees(), _years, _patients)
@settings(max_examples=200, deadline=None)
def test_the_legs_are_the_total_and_none_is_negative(rule: Rule, fees: FeeTotals, year: Sums, patient: Patient) -> None:
    made = split(rule, fees, year, patient)
    assert sum(made.legs) == fees.total
    assert min(made.legs) >= 0
    pooled, serious, _, aid, commercial, personal, cash = made.legs
    assert min(made.added.deductible, made.added.eligible, made.added.borne) >= 0
    assert (made.added.pooled, made.added.serious) == (pooled, serious)
    for cap, before, paid in (
        (rule.cap, year.pooled, pooled),
        (rule.aid.cap if rule.aid else None, year.aid, aid),
        (rule.commercial.cap if rule.commercial else None, year.commercial, commercial),
    ):
        assert cap is None or paid <= max(cap - before, 0)
    assert personal <= max(patient.account, 0)
    # Class 丙 and what is borne first of 乙 are paid by no public fund.
    assert pooled + serious <= fees.total - fees.class_c
    assert cash == 0 or not rule.personal or personal == max(patient.account, 0)


@given(_rules, _fees(), _years, _patients, st.integers(0, 10**8))
@settings(max_examples=50, deadline=None)
def test_a_fuller_account_never_changes_what_funds_bear(
    rule: Rule, fees: FeeTotals, year: Sums, patient: Patient, more: int
) -> None:
    richer = patient._replace(account=patient.account + more)
    assert split(rule, fees, year, patient).legs[:5] == split(rule, fees, year, richer).legs[:5]


def test_bands_are_climbed_by_what_the_year_had_before() -> None:
    rule = Rule(limit=10**8, bands=[Band(up_to=1_000, share=500), Band(up_to=2_000, share=800), Band(share=1000)])
    patient = Patient(Grade.PRIMARY, frozenset(), one_stop=False, account=0)
    assert split(rule, FeeTotals(2_500, 0, 0), Sums(), patient).legs[0] == 500 + 800 + 500
    assert split(rule, FeeTotals(700, 0, 0), Sums(eligible=1_500), patient).legs[0] == 400 + 200


def test_a_yearly_deductible_is_borne_once() -> None:
    rule = Rule(limit=10**8, deductible={Grade.PRIMARY: 1_000}, bands=[Band(share=1000)])
    patient = Patient(Grade.PRIMARY, frozenset(), one_stop=False, account=0)
    first = split(rule, FeeTotals(700, 0, 0), Sums(), patient)
    assert (first.legs[0], first.added.deductible) == (0, 700)
    assert split(rule, FeeTotals(700, 0, 0), first.added, patient).legs[0] == 400


def test_a_sandbox_person_is_insured_alike_each_time_in_one_of_two_regions() -> None:
    people = [f"11990019900101{n:04d}" for n in range(200)]
    found: list[Insured] = [sandbox_person(one) for one in people]
    assert found == [sandbox_person(one) for one in people]
    assert {one.region for one in found} == set(REGIONS)
    assert {one.basic() for one in found} == {Scheme.EMPLOYEE, Scheme.RESIDENT}
    assert all(Scheme.INJURY in one.schemes and Scheme.MATERNITY in one.schemes for one in found)
    assert {category for one in found for category in one.categories} == set(Category)
