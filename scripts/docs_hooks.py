"""What the documentation's site needs besides Markdown; MkDocs calls these by name (see `hooks` in mkdocs.yml).

The pages of `docs/adr` are listed by the folder, and a site that loads anything from another host is refused.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError

LOADED = re.compile(
    r"""<(?:script|link|img|iframe|source|video)\b[^>]*?\b(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)"""
)
"""What a browser fetches by itself to show a page, where it is not on the site."""
IN_STYLE = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")


def on_config(config: Any) -> Any:
    """Replace an entry of the nav that is a folder by the folder's pages, in the order of their names."""
    config.nav = [_listed(entry, Path(config.docs_dir)) for entry in config.nav]
    return config


def _listed(entry: Any, docs: Path) -> Any:
    ((title, target),) = entry.items()
    if not (isinstance(target, str) and target.endswith("/")):
        return entry
    return {title: [page.relative_to(docs).as_posix() for page in sorted((docs / target).glob("*.md"))]}


def on_post_build(config: Any) -> None:
    """Look through the built site. Raises PluginError when a page or style sheet loads something from elsewhere."""
    site = Path(config.site_dir)
    for pattern, expression in (("*.html", LOADED), ("*.css", IN_STYLE)):
        for file in sorted(site.rglob(pattern)):
            found = expression.search(file.read_text(encoding="utf-8"))
            if found:
                raise PluginError(f"{file.relative_to(site)} loads {found[1]}: the site must need no other host.")
