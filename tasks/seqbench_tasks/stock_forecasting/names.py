"""What the columns of price files are called: by Yahoo, Nasdaq, Quandl, brokers, and sites in other languages."""

from __future__ import annotations

import re
import unicodedata

DATE_NAMES = (
    "date", "datetime", "timestamp", "dtyyyymmdd", "tradingday", "day", "tradedate", "opentime", "windowstart",
    "unixtimestamp", "unixtime", "unix", "epoch", "closetime", "timeopen", "datum", "fecha", "data", "dato", "tarih",
    "дата", "日期", "交易日期", "时间", "日付", "日付け", "날짜", "일자",
)  # fmt: skip
"""The likelier first; a name that ends in `date` (`Trade Date`, `observation_date`) does too."""
TIME_NAMES = frozenset({"time", "uhrzeit", "zeit", "heure", "hora"})
TICKER_NAMES = ("ticker", "symbol", "tic", "tscode", "actsymbol", "stocksymbol", "tickersymbol", "name", "stock",
                "code", "instrument", "company", "permno", "index")  # fmt: skip
ADJUSTED_NAMES = (
    "adjclose", "adjustedclose", "closeadj", "adjcloseprice", "adjustedclosingprice", "adjusted", "closeadjusted",
    "adjcloseadjustedclosepriceadjustedforsplitsanddividendandorcapitalgaindistributions",
)  # fmt: skip
CLOSE_NAMES = (
    "close", "closelast", "closeprice", "closingprice", "lastclose", "price", "last", "lastprice", "latest",
    "lasttrade", "pxlast", "tradeclose", "closingvalue", "closevalue", "closeclosepriceadjustedforsplits", "prccd",
    "prc", "schluss", "schlusskurs", "schlusspreis", "zuletzt", "kurs", "letzter", "cloture", "fermeture", "dernier",
    "cierre", "ultimo", "chiusura", "fechamento", "slot", "slotkoers", "laatste", "laatst", "zamkniecie", "ostatnio",
    "kapanis", "simdi", "закрытие", "цена", "收盘", "收盘价", "收市", "終値", "종가",
)  # fmt: skip
OTHER_NAMES = {
    "open": ("open", "openprice", "openingprice", "pxopen", "eroffnung", "eroeffnung", "eroffn", "erster", "ouv",
             "ouverture", "apertura", "abertura", "otwarcie", "acilis", "откр", "открытие", "开盘", "开盘价", "始値",
             "시가"),
    "high": ("high", "highprice", "pxhigh", "hoch", "hoog", "tageshoch", "hochst", "plushaut", "haut", "maximo",
             "massimo", "maxima", "max", "najwyzszy", "yuksek", "макс", "最高", "最高价", "高値", "고가"),
    "low": ("low", "lowprice", "pxlow", "tief", "laag", "tagestief", "tiefst", "plusbas", "bas", "minimo", "minima",
            "min", "najnizszy", "dusuk", "мин", "最低", "最低价", "安値", "저가"),
    "volume": ("volume", "vol", "shares", "tickvol", "tickvolume", "volumeusd", "volumen", "stuecke", "wolumen",
               "totaltradedquantity", "noofshares", "成交量", "交易量", "出来高", "거래량"),
}  # fmt: skip
NO_PRICES = frozenset(
    {"change", "changepercent", "chg", "net", "pctchg", "dividends", "dividend", "stocksplits", "splitratio",
     "dividendamount", "splitcoefficient", "exdividend", "openinterest", "openint", "turnover", "amount", "trades",
     "numberoftrades", "marketcap", "vwap", "unnamed0", "index", "id", "row", "variation", "veranderung", "percent"}
)  # fmt: skip
"""What is beside the price and never the price."""

_AFFIX = re.compile(
    r"(?P<adjusted>adj(usted)?[\W_]*clos(e|ing)([\W_]*price)?|adjusted)|(?P<close>close([\W_]*price)?)"
    r"|(?P<open>open)|(?P<high>high)|(?P<low>low)|(?P<volume>volume)",
    re.IGNORECASE,
)
_NO_TICKER = re.compile(
    r"(prev(ious)?|change|chg|pct|percent|time|date|return|lag\d*|ma|sma|ema|diff|ratio|volume|interest|week|day|adj|last|"
    r"yesterday|\d{1,2})",
    re.IGNORECASE,
)
_EDGE = " \t._-/|:,()'\"[]"


def normalise(name: str) -> str:
    """A name as it is compared: lower case, letters and digits only, no accents, no leading `4. `."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    plain = re.sub(r"^\s*\d+\.\s+", "", unicodedata.normalize("NFC", plain).casefold()).replace("\u0131", "i")
    return "".join(letter for letter in plain if letter.isalnum())


def names_a_date(name: str) -> bool:
    """Whether a normalised column name says that it holds dates."""
    return name in DATE_NAMES or name.endswith("date")


def split_name(header: str) -> tuple[str, str] | None:
    """Field and ticker of a column such as `AAPL.Close`, `WIKI/AAPL - Adj. Close`, `Close_AAPL`, `('Close', 'AAPL')`.

    The field is one of adjusted, close, open, high, low, volume; None for what has no such two parts.
    """
    for match in _AFFIX.finditer(header):
        before, after = header[: match.start()], header[match.end() :]
        is_apart = (not before or not before[-1].isalnum()) and (not after or not after[0].isalnum())
        ticker = (before if before.strip(_EDGE) else after).strip(_EDGE)
        is_at_an_edge = not before.strip(_EDGE) or not after.strip(_EDGE)
        if is_apart and is_at_an_edge and ticker and not any(map(_NO_TICKER.fullmatch, re.split(r"[\W_]+", ticker))):
            return str(match.lastgroup), ticker
    return None
