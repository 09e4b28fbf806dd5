"""`ecard`: the command line of the server, its keys, its audit log and its sandbox."""

import importlib
import sys

import click

from ecard import __version__
from ecard.embedded import StoresError
from ecard.errors import EcardError
from ecard.settings import SettingsError

_COMMANDS = {
    "agencies": "agencies",
    "audit": "audit",
    "banks": "banks",
    "benefits": "benefits",
    "bridges": "bridges",
    "catalogue": "catalogue",
    "clients": "clients",
    "code": "code",
    "credential": "credential",
    "demo": "demo",
    "document": "document",
    "doors": "doors",
    "errors": "errors",
    "keys": "keys",
    "ledger": "ledger",
    "medical": "medical",
    "migrate": "serve",
    "openapi": "openapi",
    "operators": "operators",
    "reconcile": "reconcile",
    "receipt": "receipt",
    "rehearse": "rehearse",
    "serve": "serve",
    "vouchers": "vouchers",
    "webhooks": "webhooks",
}
"""Each command and the module of this package that it stands in; only the one that is called is imported."""


class _Lazy(click.Group):
    """A group that imports a command when it is needed: starting a server must not load the API's every part."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names."""
        del ctx
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, or None."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"ecard.cli.{_COMMANDS[cmd_name]}"), cmd_name)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="ecard")
def group() -> None:
    """电子社保卡移动后台。The mobile backend of the electronic social security card.

    \b
    ecard demo                     一条命令看全流程 · see the main job run
    ecard rehearse                 演练全部事项 · every item, in every form
    ecard serve --sandbox          启动沙箱服务 · serve a sandbox
    ecard catalogue list           192 个应用事项 · the 192 items
    ecard bridges list             窗口读卡服务 · the bridges at counters
    ecard clients list             接入应用 · the clients that log holders in
    ecard keys list                签名密钥 · the signing keys
    ecard code verify --offline B  离线核验 · verify a code with no network
    ecard audit verify             验证审计日志 · prove the audit log
    ecard reconcile FILE           银行对账文件 · a bank's day file
    ecard webhooks listen          本机接收并验证通知 · receive and verify notifications here
    ecard benefits upload F        导入待遇明细 · take a file of benefits in
    ecard vouchers issue           发放培训券 · issue training vouchers
    ecard ledger check             核对总账 · prove the books
    ecard receipt verify F         离线核验凭据 · check a receipt with no network
    ecard credential verify F      离线核验培训证书 · check a certificate with no network
    ecard document verify F        离线核验打印文书 · check a printed document with no network
    """


def main() -> None:
    """Run the command line; a declared error is said in two languages and exits with 1."""
    try:
        group()
    except StoresError as error:
        _fail(error.text.zh, error.text.en)
    except SettingsError as error:
        _fail(str(error), "")
    except EcardError as error:
        # Where and why, in so far as it is said: "(client_keys_refused /jwks both)".
        named = " ".join(str(part) for part in (error.code, error.pointer, error.members.get("reason")) if part)
        _fail(f"{error.title.zh} ({named})。{error.action.zh}", f"{error.title.en}. {error.action.en}")


def _fail(zh: str, en: str) -> None:
    click.echo("\n".join(line for line in (zh, en) if line), err=True)
    sys.exit(1)
