/// How the page looks, in light and in dark, on a telephone and on a wide screen.
extension HTMLPage {
  static let style: HTMLText = """
    :root {
      color-scheme: light dark;
      --ground: #ffffff; --text: #1c1c1e; --quiet: #55565c; --line: #c9cad1; --raised: #f3f4f7; --link: #0b4fb3;
      --good: #0b5a2b; --good-ground: #e0f4e6; --bad: #9b1116; --bad-ground: #fde5e5;
      --doubt: #6b4a00; --doubt-ground: #fff1cc;
    }
    @media (prefers-color-scheme: dark) {
      :root {
        --ground: #16171a; --text: #ececf0; --quiet: #b0b2bb; --line: #43454d; --raised: #202227; --link: #8ab8ff;
        --good: #8fe0ab; --good-ground: #12331f; --bad: #ffb0b0; --bad-ground: #4a1719;
        --doubt: #ffd780; --doubt-ground: #3d2f0a;
      }
    }
    * { box-sizing: border-box; }
    body {
      margin: 0 auto; padding: 1rem; max-width: 80rem; background: var(--ground); color: var(--text);
      font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere;
    }
    h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; }
    h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
    nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; list-style: none; margin: 1rem 0; padding: 0; }
    h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
    a { color: var(--link); }
    code, pre { font-family: ui-monospace, monospace; font-size: .85em; }
    dl { display: grid; grid-template-columns: minmax(6rem, max-content) minmax(0, 1fr); gap: .25rem 1rem; margin: .5rem 0; }
    dt { font-weight: 600; }
    dd { margin: 0; }
    .wide { overflow-x: auto; max-width: 100%; border: 1px solid var(--line); border-radius: .375rem; }
    pre.wide { background: var(--raised); margin: 0; padding: .5rem; white-space: pre; overflow-wrap: normal; }
    table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
    th, td { padding: .25rem .5rem; border: 1px solid var(--line); text-align: left; vertical-align: top; }
    thead th { background: var(--raised); font-size: .85rem; line-height: 1.25; }
    tbody th { background: var(--raised); position: sticky; left: 0; white-space: nowrap; }
    .matrix td { white-space: nowrap; }
    .texts { min-width: 60rem; font-size: .9rem; }
    .texts td { overflow-wrap: anywhere; }
    .texts .says { min-width: 20rem; }
    .texts details { border: 0; margin: 0; padding: 0; }
    .texts .clause { background: var(--raised); }
    .texts ul { margin: .25rem 0; padding-left: 1rem; }
    .good { background: var(--good-ground); color: var(--good); }
    .bad, .bad a { background: var(--bad-ground); color: var(--bad); }
    .doubt, .doubt a { background: var(--doubt-ground); color: var(--doubt); }
    .none, .time, .name, .remark { color: var(--quiet); }
    .sign { padding: .1rem .4rem; border-radius: .25rem; white-space: nowrap; }
    details { border: 1px solid var(--line); border-radius: .375rem; margin: .5rem 0; padding: .5rem .75rem; }
    details:target { outline: 2px solid var(--link); }
    summary { cursor: pointer; }
    summary h3, summary h4 { display: inline; }
    .trace { min-width: 44rem; font-size: .9rem; table-layout: fixed; }
    .trace th:first-child { width: 4rem; }
    .trace td { overflow-wrap: anywhere; }
    .trace .command, .trace .answer { background: var(--raised); font-family: ui-monospace, monospace; font-size: .8rem; }
    .time { text-align: right; }
    .depth1 { padding-left: 1rem; }
    .depth2 { padding-left: 2rem; }
    .depth3 { padding-left: 3rem; }
    @media (max-width: 40rem) {
      dl { grid-template-columns: minmax(0, 1fr); gap: 0; }
      dd { margin-bottom: .5rem; }
    }
    @media print { details > * { display: revert; } .wide { overflow: visible; } }

    """
}
