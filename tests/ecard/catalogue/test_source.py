"""The data is the source, word for word: digests made from the annexes, their totals, rows typed out by hand."""

import hashlib
import json
from collections import Counter

import pytest

from ecard.catalogue.load import load
from ecard.catalogue.model import Item

CATALOGUE = load()
COLUMNS = (
    "code", "title", "description", "domain", "agencies", "function",
    "forms", "business", "group", "mandatory", "route", "delegated",
)  # fmt: skip


def digest_of(columns: tuple[str, ...]) -> str:
    rows = [[getattr(item, column) for column in columns] for item in CATALOGUE.items]
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def test_codes_titles_and_descriptions_are_those_of_the_annexes() -> None:
    expected = "213288f09bfbe09e3888a0cc268eda945ebbdfaf8828ba30bae88dc3e5598907"
    assert digest_of(("code", "title", "description")) == expected


def test_every_column_of_the_annexes_is_kept_cell_by_cell() -> None:
    assert digest_of(COLUMNS) == "5e45e888a813df9c3e249b369f974c1f0245fd7cb6d0b63249ee9771cd66403a"


def test_the_codes_run_without_a_gap() -> None:
    expected = [f"A{annex}-{no:02}" for annex, last in ((1, 95), (2, 65), (3, 32)) for no in range(1, last + 1)]
    assert [item.code for item in CATALOGUE.items] == expected


def test_the_functions_of_annexes_1_and_2_come_to_their_totals() -> None:
    assert Counter(str(item.function) for item in CATALOGUE.items if item.annex != 3) == {
        "身份凭证": 73,
        "自助查询": 26,
        "缴费和待遇领取": 53,
        "就医结算": 7,
        "信息记录": 1,
    }


def test_the_forms_of_annexes_1_and_2_come_to_their_totals() -> None:
    assert Counter(item.forms for item in CATALOGUE.items if item.annex != 3) == {
        ("physical", "electronic"): 109,
        ("physical",): 46,
        ("electronic",): 5,
    }
    electronic_only = [item.code for item in CATALOGUE.items if item.forms == ("electronic",)]
    assert electronic_only == ["A1-68", "A1-71", "A1-73", "A2-01", "A2-13"]


def test_annex_3_comes_to_its_totals() -> None:
    delegated = [item for item in CATALOGUE.items if item.annex == 3]
    assert Counter(str(item.route) for item in delegated) == {"即办件": 22, "二级审核": 6, "三级审核": 4}
    assert sum(item.mandatory is True for item in delegated) == 21
    assert {item.forms for item in delegated} == {("physical", "electronic")}
    assert [item.code for item in delegated if item.delegated == ("受理", "审核")] == ["A3-26"]
    assert {(item.description, item.function) for item in delegated} == {(None, None)}


def test_each_annex_has_its_own_columns_only() -> None:
    for item in CATALOGUE.items:
        assert (item.domain is not None) == (item.annex == 1), item.code
        assert (item.agencies is not None) == (item.annex == 2), item.code
        own = (item.business, item.group, item.mandatory, item.route, item.delegated)
        assert all((value is not None) == (item.annex == 3) for value in own), item.code


def test_the_domains_stand_in_the_order_of_the_source() -> None:
    assert CATALOGUE.domains == (
        "就业创业", "社会保险公共业务", "养老保险待遇", "工伤保险待遇", "失业保险待遇", "人才人事", "劳动关系", "其他",
    )  # fmt: skip


# Typed out by hand from the annexes: what a digest alone would not show to a reader.
ROWS: dict[str, dict[str, object]] = {
    "A1-01": {
        "title": "就业登记",
        "description": "个人可凭社会保障卡（含电子社保卡，下同）到公共就业和人才服务机构进行就业登记",
        "domain": "就业创业",
        "function": "身份凭证",
    },
    "A1-19": {"title": "创业担保贷款发放", "domain": "就业创业", "forms": ("physical",)},
    "A1-20": {
        "title": "个人参保登记",
        "description": "个人直接办理业务时，凭社会保障卡进行参保登记",
        "domain": "社会保险公共业务",
    },
    "A1-29": {
        "title": "职工退休(职)申请",
        "description": "个人直接办理业务时，凭社会保障卡及其他相关证明材料申请职工退休(职)",
        "domain": "养老保险待遇",
    },
    "A1-53": {
        "title": "辅助器具配置持卡直接结算",
        "description": "个人持社会保障卡在定点机构实现辅助器具配置费的直接结算（包括本地、异地）",
        "domain": "工伤保险待遇",
        "function": "就医结算",
    },
    "A1-64": {"title": "失业保险金领取", "domain": "失业保险待遇", "function": "缴费和待遇领取"},
    "A1-71": {
        "title": "人事考试成绩、证书查询",
        "description": "考生通过电子社保卡查询人事考试成绩、证书",
        "domain": "人才人事",
        "function": "自助查询",
        "forms": ("electronic",),
    },
    "A1-92": {
        "title": "农民工工资领取",
        "description": "农民工工资发放到社会保障卡银行账户中，个人凭卡到银行渠道领取",
        "domain": "劳动关系",
    },
    "A1-95": {
        "title": "业务经办系统登录",
        "description": "工作人员通过实体社保卡读卡或电子社保卡扫码登录业务经办系统",
        "domain": "其他",
    },
    "A2-04": {"title": "高端人才一卡通", "agencies": ("组织、科技等相关部门",)},
    "A2-26": {
        "title": "公交地铁刷卡（码）乘车",
        "description": "个人持社会保障卡在公交、地铁等公共交通刷卡（码）扣费乘车；"
        "老年人、残疾人等免费群体持社会保障卡实现免费乘车",
        "function": "缴费和待遇领取",
        "agencies": ("交通部门",),
    },
    "A2-29": {"title": "交通服务", "agencies": ("交通部门", "公安部门")},
    "A2-38": {"title": "退役军人身份认定及等级评定", "agencies": ("退役军人事务部门",)},
    "A2-44": {
        "title": "水电气缴费",
        "description": "个人可通过社会保障卡银行账户或电子社保卡移动支付功能缴纳水电气费",
        "agencies": (),
    },
    "A2-47": {"title": "就医挂号", "agencies": ("卫生健康部门", "医保部门", "医疗机构")},
    "A2-52": {
        "title": "医疗保险临时脱网结算信息记录",
        "description": "记录临时脱网状态下持卡人医疗结算信息",
        "function": "信息记录",
        "forms": ("physical",),
        "agencies": ("医保部门",),
    },
    "A3-05": {
        "title": "社会保障卡金融账户对账簿申请、更换、补发、明细打印",
        "business": "金融服务",
        "group": "对账簿",
        "mandatory": True,
        "route": "即办件",
    },
    "A3-19": {
        "title": "参加社会保险人员待遇资格认证 (人像比对不通过时需上传资料认证方式）",
        "business": "社会保险",
        "group": "资格认证",
        "route": "三级审核",
        "delegated": ("受理",),
    },
    "A3-26": {
        "title": "外籍人员基础信息登记",
        "business": "公共服务",
        "group": "个人管理",
        "mandatory": False,
        "route": "二级审核",
        "delegated": ("受理", "审核"),
    },
}


@pytest.mark.parametrize("code", ROWS)
def test_a_row_reads_as_the_annex_prints_it(code: str) -> None:
    item: Item = CATALOGUE.get(code)
    assert {column: getattr(item, column) for column in ROWS[code]} == ROWS[code]
