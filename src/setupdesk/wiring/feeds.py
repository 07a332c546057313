"""The feeds that bars come from."""

from collections.abc import Mapping

from setupdesk.adapters import clock
from setupdesk.adapters.feed_spool import FeedSpool
from setupdesk.adapters.feeds.ccxt import CcxtFeed
from setupdesk.adapters.feeds.dukascopy import DukascopyFeed
from setupdesk.adapters.feeds.mt5 import Mt5Feed
from setupdesk.adapters.feeds.push import PushFeed
from setupdesk.adapters.feeds.vendor_http import VendorHttp
from setupdesk.app.ports import Feed
from setupdesk.settings import Settings


def build_feeds(settings: Settings, spool: FeedSpool) -> Mapping[str, Feed]:
    """Build the feeds that bars can be fetched from, by their names."""
    given = settings.feeds
    http = VendorHttp(clock=clock.now, pause=given.dukascopy_pause)
    feeds: tuple[Feed, ...] = (
        DukascopyFeed(
            http=http,
            files_url=given.dukascopy_files_url,
            api_url=given.dukascopy_api_url,
            history=given.dukascopy_history,
        ),
        CcxtFeed(now=clock.now, url=given.ccxt_url),
        Mt5Feed(now=clock.now, server_clock=given.mt5_clock),
        PushFeed(spool=spool, now=clock.now),
    )
    return {feed.name: feed for feed in feeds}
