from setupdesk import setups as setups
from setupdesk.notebook import Backtest as Backtest
from setupdesk.notebook import History as History
from setupdesk.notebook import backtest as backtest
from setupdesk.notebook import load_bars as load_bars

__version__: str
