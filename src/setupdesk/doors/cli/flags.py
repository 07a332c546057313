"""The flags of every command that asks for a run."""

from typing import Annotated

import typer

Text = str | None

Setup = Annotated[Text, typer.Option("--setup", "-s", "--strategy", help="Setup id.")]
SymbolName = Annotated[Text, typer.Option("--symbol", "-p", "--pair", help="GER40, ...")]
Size = Annotated[Text, typer.Option("--timeframe", "-i", "--tf", help="M1 M5 M15 H1 H4 D1")]
Start = Annotated[Text, typer.Option(help="First day, market date.")]
End = Annotated[Text, typer.Option(help="Last day, inclusive.")]
Timerange = Annotated[Text, typer.Option(help="20250501-20251031, inclusive.")]
Last = Annotated[Text, typer.Option(help="10d, 6w, 6m, 1y or ytd, to the newest bar.")]
RrTarget = Annotated[
    Text, typer.Option("--rr-target", "--rr", help="Target as a multiple of the risk.")
]
MaxTrades = Annotated[Text, typer.Option(help="Fills per session.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setup's own param.")
]
