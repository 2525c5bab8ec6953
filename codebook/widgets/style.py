"""How boards look: the colours are those of JupyterLab's theme, with fallbacks for pages outside of it."""

STYLE = """<style>
.cb-board { font-family: var(--jp-ui-font-family, system-ui, sans-serif); font-size: 13px; line-height: 1.4;
  color: var(--jp-ui-font-color1, #1b1b1b); }
.cb-board h4 { margin: 12px 0 4px; font-size: 13px; font-weight: 600; }
.cb-board table { border-collapse: collapse; margin: 0; font-size: 12px; width: auto; border: 0; }
.cb-board .cb-scroll { overflow-x: auto; max-height: 420px; overflow-y: auto; }
.cb-board th, .cb-board td { text-align: left; vertical-align: top; padding: 3px 8px 3px 0; white-space: nowrap;
  border: 0; border-bottom: 1px solid var(--jp-border-color2, #e0e0e0); background: none;
  color: var(--jp-ui-font-color1, #1b1b1b); }
.cb-board th { position: sticky; top: 0; font-weight: 600; background: var(--jp-layout-color0, #fff); z-index: 1;
  border-bottom: 1px solid var(--jp-border-color0, #9e9e9e); }
.cb-board th.n, .cb-board td.n { text-align: right; font-variant-numeric: tabular-nums; }
.cb-board td.w { white-space: normal; min-width: 10em; max-width: 32em; overflow-wrap: anywhere; }
.cb-board td.id { white-space: normal; min-width: 16em; max-width: 24em; overflow-wrap: anywhere;
  font-family: var(--jp-code-font-family, monospace); font-size: 11px; }
.cb-board .cb-dim, .cb-board .cb-ends, .cb-board figcaption span { color: var(--jp-ui-font-color2, #616161); }
.cb-board .cb-state { border-left: 4px solid var(--jp-border-color0, #9e9e9e); padding-left: 6px; }
.cb-board .cb-runs { border-color: var(--jp-brand-color1, #1976d2); }
.cb-board .cb-fetch, .cb-board .cb-waits { border-color: var(--jp-warn-color1, #f57c00); }
.cb-board .cb-done { border-color: var(--jp-success-color1, #388e3c); }
.cb-board .cb-bad { border-color: var(--jp-error-color1, #d32f2f); }
.cb-board .cb-meter { display: inline-block; width: 52px; height: 7px; margin-right: 6px;
  background: var(--jp-layout-color3, #bdbdbd); vertical-align: 1px; }
.cb-board .cb-meter i { display: block; height: 100%; background: var(--jp-brand-color1, #1976d2); }
.cb-board .cb-facts { display: flex; flex-wrap: wrap; gap: 2px 22px; margin: 6px 0; padding: 0; }
.cb-board .cb-facts div { display: flex; flex-direction: column; }
.cb-board .cb-facts b { font-size: 15px; font-weight: 600; }
.cb-board .cb-plots { display: flex; flex-wrap: wrap; gap: 8px 28px; }
.cb-board figure { margin: 0; } .cb-board figcaption { font-size: 12px; margin-bottom: 2px; }
.cb-board svg rect { fill: var(--jp-brand-color1, #1976d2); }
.cb-board svg line { stroke: var(--jp-border-color0, #9e9e9e); stroke-width: 1; }
.cb-board .cb-ends { display: flex; justify-content: space-between; font-size: 11px; }
.cb-board .cb-note { border-left: 4px solid var(--jp-brand-color1, #1976d2); padding: 4px 10px; margin: 4px 0;
  white-space: pre-wrap; overflow-wrap: anywhere; background: var(--jp-layout-color2, #eee); }
.cb-board .cb-warn { border-color: var(--jp-error-color1, #d32f2f); }
.cb-board .cb-lines { white-space: pre-wrap; margin: 4px 0; }
</style>"""
