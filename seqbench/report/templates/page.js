"use strict";
(() => {
  const root = document.documentElement;
  const KEY = "seqbench-theme";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  // A page opened from a file may be refused storage: then the choice lasts as long as the page.
  const kept = () => { try { return localStorage.getItem(KEY); } catch { return null; } };
  const keep = (theme) => { try { localStorage.setItem(KEY, theme); } catch { /* not kept */ } };
  const theme = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  if (["light", "dark"].includes(kept())) root.dataset.theme = kept();

  const themeButton = () => {
    const button = document.getElementById("theme");
    const show = () => {
      button.setAttribute("aria-pressed", String(theme() === "dark"));
    };
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = theme() === "dark" ? "light" : "dark";
      keep(root.dataset.theme);
      show();
    });
    dark.addEventListener("change", show);
    show();
  };

  const valueOf = (row, index) => {
    const cell = row.cells[index];
    return cell.dataset.v !== undefined ? cell.dataset.v : cell.textContent.trim();
  };

  // Missing values stay last in both directions; equal ones keep their order.
  const sort = (table, heading) => {
    const direction = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
    for (const other of table.tHead.rows[0].cells) {
      if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", other === heading ? direction : "none");
    }
    const index = heading.cellIndex;
    const sign = direction === "ascending" ? 1 : -1;
    const rows = [...table.tBodies[0].rows].map((row) => ({ row, value: valueOf(row, index) }));
    const isNumber = rows.every(({ value }) => value === "" || !Number.isNaN(Number(value)));
    const compare = (a, b) => (isNumber ? Number(a) - Number(b) : a.localeCompare(b, "en", { numeric: true }));
    rows.sort((a, b) => {
      if (a.value === "" || b.value === "") return Number(a.value === "") - Number(b.value === "");
      return sign * compare(a.value, b.value);
    });
    table.tBodies[0].append(...rows.map(({ row }) => row));
  };

  const filter = () => {
    const form = document.getElementById("filter");
    const text = document.getElementById("filter-text");
    const baselines = document.getElementById("filter-baselines");
    const count = document.getElementById("filter-count");
    const boards = [...document.querySelectorAll("table.board:not(.narrow) tbody tr[data-model]")];
    const others = [...document.querySelectorAll("[data-model]")].filter((item) => !boards.includes(item));
    const names = new Set(boards.filter((row) => row.classList.contains("baseline")).map((row) => row.dataset.model));
    const apply = () => {
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      const fits = (item) => {
        const name = item.dataset.model.toLowerCase();
        const isBaseline = item.matches("tr") ? item.classList.contains("baseline") : names.has(item.dataset.model);
        return words.every((word) => name.includes(word)) && (baselines.checked || !isBaseline);
      };
      for (const item of [...boards, ...others]) item.hidden = !fits(item);
      const shown = boards.filter((row) => !row.hidden).length;
      count.textContent = shown === boards.length ? `${shown} rows` : `${shown} of ${boards.length} rows`;
    };
    form.hidden = false;
    form.addEventListener("submit", (event) => event.preventDefault());
    text.addEventListener("input", apply);
    text.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { text.value = ""; apply(); }
    });
    baselines.addEventListener("change", apply);
    apply();
  };

  // What is folded would be missing on paper, and from the target of a link.
  const unfold = () => {
    let opened = [];
    addEventListener("beforeprint", () => {
      opened = [...document.querySelectorAll("details:not([open])")];
      for (const item of opened) item.open = true;
    });
    addEventListener("afterprint", () => { for (const item of opened) item.open = false; });
  };

  document.addEventListener("DOMContentLoaded", () => {
    themeButton();
    filter();
    unfold();
    for (const table of document.querySelectorAll("table.sortable")) {
      table.tHead.addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (button) sort(table, button.closest("th"));
      });
    }
  });
})();
