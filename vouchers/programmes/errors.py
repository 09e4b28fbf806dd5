"""Why a programme is not made, or gets no money."""

from ecard.errors import Conflict, EcardError, Text


class ProgrammeExists(Conflict):
    """Another programme has this name."""

    code = "voucher_programme_exists"
    title = Text("同名的培训券项目已存在", "A programme of this name exists")
    action = Text("请换用名称, 或在项目列表中查看。", "Choose another name, or see the list of programmes.")


class ProgrammeEnded(Conflict):
    """The programme has ended: it gives no more vouchers."""

    code = "voucher_programme_ended"
    title = Text("培训券项目已结束", "The programme has ended")
    action = Text(
        "已领取的券仍可使用; 请选择其他项目。", "Vouchers that were claimed stay good; choose another programme."
    )


class ValidityTooLong(EcardError):
    """More than three months, and no local rule is named that allows it."""

    status = 422
    code = "voucher_validity_too_long"
    title = Text("有效期超过三个月且未注明依据", "Longer than three months, and no rule is named that allows it")
    action = Text("请缩短有效期, 或在 longer_by 注明地方规定。", "Shorten it, or name the local rule in longer_by.")


class InstitutionUnknown(EcardError):
    """An institution of the list is not a registered agency."""

    status = 422
    code = "voucher_institution_unknown"
    title = Text("名单中有未登记的机构", "An institution of the list is not registered")
    action = Text("请先登记机构; pointer 指出其位置。", "Register the agency first; pointer says which.")
