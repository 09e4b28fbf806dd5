"""Why a holder is not certified. Each leaves everything as it was.

by the face    FaceNeeded · CertificationFaceMismatch
by the item    CaseNeeded
by the visit   CertifiedBefore
"""

from ecard.errors import Conflict, EcardError, Text


class FaceNeeded(EcardError):
    """Nobody looked at the holder here, so the face must be checked."""

    status = 422
    code = "certification_face_needed"
    title = Text("资格认证须核验人脸", "Certification takes a check of the face here")
    action = Text(
        "请提交 face; 在手机上请以人脸重新核验后办理, 或由本人到窗口办理。",
        "Give face; on a phone, make the visit with the face; or let the holder come to a counter.",
    )


class CertificationFaceMismatch(EcardError):
    """The face is not the holder's; `fallback` names the item that certifies by documents instead."""

    status = 422
    code = "certification_face_mismatch"
    title = Text("人像比对未通过", "The face does not match")
    action = Text(
        "请重新采集人像; 仍不通过时, 按 fallback 所示事项上传资料, 经审核后认证。",
        "Take the picture again; if it fails again, certify by documents under the item in fallback.",
    )


class CaseNeeded(EcardError):
    """The item certifies by documents that are reviewed: the certification follows from its case."""

    status = 422
    code = "certification_by_case"
    title = Text("该事项须经资料审核认证", "This item certifies by documents that are reviewed")
    action = Text("请就此到访提交申请; 终审通过即完成认证。", "Open a case from this visit; its approval certifies.")


class CertifiedBefore(Conflict):
    """This visit has certified its holder already."""

    code = "certification_done"
    title = Text("本次到访已完成认证", "This visit has certified its holder already")
    action = Text("无需重复认证。", "There is nothing more to do.")
