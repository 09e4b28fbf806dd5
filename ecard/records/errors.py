"""Why nothing is looked up, printed or believed."""

from ecard.errors import Conflict, EcardError, NotFound, Text


class LookedUp(Conflict):
    """This visit was used for a look-up before; one whose answer had gaps may be asked again, a few times."""

    code = "record_looked_up"
    title = Text("该次到访已查询过", "This visit was used for a look-up before")
    action = Text("再次查询请重新核验持卡人。", "Verify the holder again for another look-up.")


class NotLookedUp(Conflict):
    """A document is printed from what was looked up in the same visit, and nothing was."""

    code = "record_not_looked_up"
    title = Text("该次到访尚未查询", "Nothing was looked up in this visit")
    action = Text("请先查询, 再打印。", "Look up first, then print.")


class NotPrintable(EcardError):
    """The item shows records and has no document."""

    status = 422
    code = "record_not_printable"
    title = Text("该事项不提供打印文书", "The item has no document to print")
    action = Text("请在查询结果的 printable 中查看是否可打印。", "See printable in the answer of the look-up.")


class Incomplete(Conflict):
    """A system did not answer, and this document is not issued with gaps; `missing` lists the sections."""

    code = "record_incomplete"
    title = Text("部分业务系统未返回数据, 不能出具该文书", "A system did not answer, and this document admits no gap")
    action = Text("请稍后就同一到访再次查询, 再打印。", "Look up again in the same visit a little later, then print.")


class DocumentUnknown(NotFound):
    """No such document, or one that this caller may not have."""

    code = "document_unknown"
    title = Text("未找到该文书", "No such document")
    action = Text("请核对文书编号。", "Check the document's number.")


class DocumentGone(EcardError):
    """The document was issued, and its bytes are no longer kept; its number and digest still verify."""

    status = 410
    code = "document_gone"
    title = Text("该文书已过保存期", "The document is no longer kept")
    action = Text(
        "仍可核验已有文书; 需要新文书请重新查询打印。", "What you have still verifies; look up again for a new one."
    )


class DocumentRefused(EcardError):
    """A document does not verify; `reason` is malformed, signature, changed, certificate, seal, digest or number."""

    status = 422
    code = "document_refused"
    title = Text("文书未通过核验", "The document does not verify")
    action = Text(
        "请勿采信该文书; reason 说明哪一项不符。", "Do not rely on this document; reason says what does not hold."
    )


class DocumentKeyRevoked(DocumentRefused):
    """The key that signed the document is revoked."""

    code = "document_key_revoked"
    title = Text("签署该文书的密钥已吊销", "The key that signed the document is revoked")
    action = Text("请持卡人重新打印。", "The holder should print it again.")


class DocumentBundleRefused(EcardError):
    """The bundle of documents' keys is not to be used; `reason` is a token's, or claims."""

    status = 422
    code = "document_bundle_refused"
    title = Text("文书密钥包无效", "The bundle of documents' keys is not valid")
    action = Text(
        "请联网重新获取 (GET /v1/documents/bundle)。", "Fetch it again while online: GET /v1/documents/bundle."
    )
