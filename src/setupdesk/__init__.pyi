from setupdesk import setups as setups
from setupdesk.notebook import Backtest as Backtest
from setupdesk.notebook import LoadedBars as LoadedBars
from setupdesk.notebook import backtest as backtest
from setupdesk.notebook import load_bars as load_bars
from setupdesk.notebook import try_variants as try_variants

__version__: str
