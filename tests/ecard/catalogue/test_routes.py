"""The catalogue over HTTP, in an application made for the test."""

import json
from collections.abc import Iterator

import msgspec
import pytest
from litestar import Litestar, Request, Response
from litestar.datastructures import State
from litestar.di import Provide
from litestar.testing import TestClient

from ecard.catalogue.load import load
from ecard.catalogue.model import Catalogue
from ecard.catalogue.routes import router
from ecard.catalogue.schemas import AnyItemView
from ecard.errors import EcardError

CATALOGUE = load()


def render(_: Request[object, object, State], error: EcardError) -> Response[dict[str, str | None]]:
    return Response({"code": error.code, "pointer": error.pointer}, status_code=error.status)


def application(catalogue: Catalogue) -> Litestar:
    async def provide() -> Catalogue:
        return catalogue

    return Litestar(
        [router],
        dependencies={"catalogue": Provide(provide)},
        exception_handlers={EcardError: render},
        logging_config=None,
    )


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    with TestClient(application(CATALOGUE)) as client:
        yield client


def codes(client: TestClient[Litestar], **filters: str) -> list[str]:
    response = client.get("/v1/catalogue", params=filters)
    assert response.status_code == 200
    return [item["code"] for item in response.json()]


def test_anonymous_gets_all_192_items(client: TestClient[Litestar]) -> None:
    response = client.get("/v1/catalogue")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert [item["code"] for item in response.json()] == [item.code for item in CATALOGUE.items]
    assert len(response.json()) == 192


COMMON = {
    "code", "annex", "no", "title", "description", "function", "forms", "flow",
    "scope", "fields", "purpose", "level", "strength", "proximity", "scene", "acr",
}  # fmt: skip


def test_each_annex_shows_its_own_keys_and_no_others(client: TestClient[Litestar]) -> None:
    own = {1: {"domain"}, 2: {"agencies"}, 3: {"business", "group", "mandatory", "route", "delegated"}}
    for item in client.get("/v1/catalogue").json():
        assert set(item) == COMMON | own[item["annex"]], item["code"]


def test_the_whole_answer_decodes_into_the_documented_shapes(client: TestClient[Litestar]) -> None:
    views = msgspec.json.decode(client.get("/v1/catalogue").content, type=list[AnyItemView])
    assert [view.title for view in views] == [item.title for item in CATALOGUE.items]


def test_an_item_is_served_as_the_list_has_it(client: TestClient[Litestar]) -> None:
    listed = client.get("/v1/catalogue").json()
    for index in (0, 120, 191):
        code = listed[index]["code"]
        assert client.get(f"/v1/catalogue/{code}").json() == listed[index]


def test_an_item_reads_exactly_so(client: TestClient[Litestar]) -> None:
    assert client.get("/v1/catalogue/A3-26").json() == {
        "code": "A3-26",
        "annex": 3,
        "no": 26,
        "title": "外籍人员基础信息登记",
        "description": None,
        "function": None,
        "forms": ["physical", "electronic"],
        "business": "公共服务",
        "group": "个人管理",
        "mandatory": False,
        "route": "二级审核",
        "delegated": ["受理", "审核"],
        "flow": "apply",
        "scope": "ecard_item:A3-26",
        "fields": ["name", "id_type", "id_no", "sex", "birth_date", "mobile"],
        "purpose": {
            "zh": "用于登记外籍人员基础信息时核实您的身份。",
            "en": "To verify who you are when the details of a foreign national are registered.",
        },
        "level": 1,
        "strength": "possession",
        "proximity": "counter",
        "scene": "identity",
        "acr": "l1-possession",
    }


def test_an_unknown_item_is_not_found(client: TestClient[Litestar]) -> None:
    response = client.get("/v1/catalogue/A1-96")
    assert (response.status_code, response.json()["code"]) == (404, "item_unknown")


FILTERS = {
    "annex": ("3", 32),
    "form": ("electronic", 146),
    "flow": ("pay", 8),
    "function": ("就医结算", 7),
    "domain": ("失业保险待遇", 7),
    "agency": ("退役军人事务部门", 2),
    "q": ("电子培训券", 1),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_narrows_the_list(client: TestClient[Litestar], name: str) -> None:
    value, count = FILTERS[name]
    assert len(codes(client, **{name: value})) == count


def test_filters_are_joined_by_and(client: TestClient[Litestar]) -> None:
    assert codes(client, annex="2", form="electronic", flow="credential") == ["A2-13"]


def test_a_search_that_finds_nothing_answers_an_empty_list(client: TestClient[Litestar]) -> None:
    assert codes(client, q="月球") == []


REFUSED = {
    "annex": ("4", "one", "", "1.0", "true"),
    "form": ("paper", ""),
    "flow": ("wander", "PAY"),
    "function": ("身份", ""),
    "domain": ("就业", ""),
    "agency": ("事务部门", ""),
    "q": ("", "长" * 65),
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in REFUSED.items() for value in values])
def test_a_value_that_no_item_could_have_is_refused_by_name(
    client: TestClient[Litestar], name: str, value: str
) -> None:
    response = client.get("/v1/catalogue", params={name: value})
    assert response.status_code == 400
    assert response.json() == {"code": "invalid_request", "pointer": f"/query/{name}"}


@pytest.mark.parametrize("path", ["/v1/catalogue", "/v1/catalogue?annex=2", "/v1/catalogue/A1-01"])
def test_what_the_caller_already_holds_is_not_sent_again(client: TestClient[Litestar], path: str) -> None:
    first = client.get(path)
    assert first.headers["cache-control"] == "public, max-age=300"
    tag = first.headers["etag"]
    for held in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = client.get(path, headers={"If-None-Match": held})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert again.headers["cache-control"] == "public, max-age=300"
    assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content


def test_entity_tags_are_strong_and_differ_between_answers(client: TestClient[Litestar]) -> None:
    paths = ("", "?annex=1", "?annex=2", "?q=A1", "?form=physical", "/A1-01", "/A1-02")
    tags = [client.get(f"/v1/catalogue{path}").headers["etag"] for path in paths]
    assert len(set(tags)) == len(paths)
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


def test_a_changed_catalogue_has_other_entity_tags(client: TestClient[Litestar]) -> None:
    shorter = Catalogue(items=CATALOGUE.items[:-1], flows=CATALOGUE.flows)
    with TestClient(application(shorter)) as other:
        for path in ("/v1/catalogue", "/v1/catalogue?annex=1", "/v1/catalogue/A1-01"):
            tag = client.get(path).headers["etag"]
            assert other.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_the_operations_and_the_shapes_are_documented() -> None:
    schema = application(CATALOGUE).openapi_schema.to_schema()
    listing, one = schema["paths"]["/v1/catalogue"]["get"], schema["paths"]["/v1/catalogue/{code}"]["get"]
    assert (listing["operationId"], one["operationId"]) == ("catalogue_list", "catalogue_item")
    shapes = {"SocialSecurityItemView", "PublicServiceItemView", "DelegatedItemView"}
    assert shapes <= set(schema["components"]["schemas"])
    answer = json.dumps(listing["responses"]["200"])
    assert all(f"#/components/schemas/{shape}" in answer for shape in shapes)
    assert [parameter["name"] for parameter in listing["parameters"]] == [*FILTERS, "If-None-Match"]
