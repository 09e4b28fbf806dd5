"""What the holder's fields are called before people, wherever consent is asked."""

from collections.abc import Mapping

from ecard.catalogue.model import Field
from ecard.errors import Text

LABELS: Mapping[Field, Text] = {
    Field.NAME: Text("姓名", "Name"),
    Field.ID_TYPE: Text("证件类型", "Type of identity document"),
    Field.ID_NO: Text("证件号码", "Identity number"),
    Field.SEX: Text("性别", "Sex"),
    Field.BIRTH_DATE: Text("出生日期", "Date of birth"),
    Field.ETHNICITY: Text("民族", "Ethnicity"),
    Field.MOBILE: Text("手机号码", "Mobile number"),
    Field.ADDRESS: Text("地址", "Address"),
    Field.CARD_NO: Text("社会保障卡卡号", "Card number"),
    Field.ISSUING_AREA: Text("发卡地区", "Area of issue"),
    Field.BANK_NAME: Text("开户银行", "Bank"),
    Field.BANK_ACCOUNT: Text("银行账号", "Bank account"),
    Field.FARE_CLASS: Text("乘车优惠类别", "Fare class"),
}
"""Every field has its row; a test holds the two together."""
