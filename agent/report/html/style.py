"""How a report looks: one style sheet, light and dark by the reader's preference, and on paper."""

CSS = """
:root{color-scheme:light dark;--bg:#fff;--card:#fff;--ink:#1f2328;--soft:#59636e;--line:#d1d9e0;
--fill:#f6f8fa;--before:#c4ccd4;--now:#2f6fc4;--moved:#c2410c;--bad:#b42318;--bad-bg:#fef1f0;
--good:#1a7f37;--good-bg:#edf9f0;--dim:#59636e;--dim-bg:#f6f8fa}
@media (prefers-color-scheme:dark){:root{--bg:#0d1117;--card:#12171e;--ink:#e6edf3;--soft:#9aa4af;
--line:#30363d;--fill:#161b22;--before:#4a535e;--now:#6ea8fe;--moved:#ff8f4d;--bad:#ff8f85;
--bad-bg:#2b1513;--good:#56d07a;--good-bg:#10241a;--dim:#9aa4af;--dim-bg:#161b22}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,
"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;overflow-wrap:anywhere}
main{max-width:960px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:24px;line-height:1.25;margin:0}
h2{font-size:19px;margin:40px 0 8px;padding-top:16px;border-top:1px solid var(--line)}
h3{font-size:16px;margin:28px 0 8px}
h4{font-size:15px;margin:0}
p{margin:6px 0}
.soft{color:var(--soft)}
code{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.verdict{margin:16px 0;padding:12px 16px;border-radius:8px;border:1px solid;font-size:18px;
font-weight:600}
.drift{color:var(--bad);background:var(--bad-bg);border-color:currentColor}
.stable{color:var(--good);background:var(--good-bg);border-color:currentColor}
.insufficient{color:var(--dim);background:var(--dim-bg);border-color:currentColor}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:10px;margin:12px 0;
padding:0;list-style:none}
.tiles li{border:1px solid var(--line);border-radius:8px;padding:8px 12px;background:var(--fill)}
.tiles b{display:block;font-size:20px;line-height:1.3;font-variant-numeric:tabular-nums}
.tiles span{color:var(--soft);font-size:13px}
.facts{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:8px 0}
.facts dt{color:var(--soft)}
.facts dd{margin:0}
.wide{overflow-x:auto;margin:8px 0}
.wide:focus-visible{outline:2px solid var(--now)}
table{border-collapse:collapse;width:100%;font-size:14px}
th,td{text-align:left;padding:5px 10px 5px 0;border-bottom:1px solid var(--line);
vertical-align:top;overflow-wrap:normal}
th{color:var(--soft);font-weight:500;white-space:nowrap}
.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td:first-child{max-width:260px;overflow-wrap:anywhere;min-width:110px}
.u{white-space:nowrap}
.tag{display:inline-block;font-size:12px;line-height:1.5;padding:0 7px;border-radius:9px;
border:1px solid;white-space:nowrap;font-weight:500}
.card{border:1px solid var(--line);border-radius:8px;padding:14px 16px;margin:12px 0;
background:var(--card);break-inside:avoid}
.card header{display:flex;flex-wrap:wrap;gap:4px 10px;align-items:baseline}
.lead{font-size:15px;margin:2px 0 10px}
.hist{display:block;width:100%;overflow:visible}
.past{display:block;width:100%;height:48px;overflow:visible}
.line{fill:none;stroke:var(--moved);stroke-width:1.5}
.limit{fill:none;stroke:var(--soft);stroke-width:1;stroke-dasharray:4 3}
.t{font-size:11px;fill:var(--soft)}
.m{text-anchor:middle}
.e{text-anchor:end}
.before{fill:var(--before)}
.now{fill:var(--now)}
.moved{fill:var(--moved)}
.legend{display:flex;flex-wrap:wrap;gap:2px 14px;font-size:12px;color:var(--soft);margin:0 0 4px}
.legend svg{width:10px;height:10px;margin-right:5px}
.bars{list-style:none;margin:0;padding:0;font-size:13px}
.bars li{display:grid;grid-template-columns:minmax(90px,30%) 1fr max-content;gap:10px;
align-items:center;padding:2px 0}
.bars .name{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
.bars .n{min-width:100px}
.pair{width:100%;height:18px;display:block}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:0 14px}
details{margin:24px 0}
summary{cursor:pointer;font-weight:600;font-size:16px}
ul.plain{padding-left:20px;margin:6px 0}
footer{margin-top:40px;padding-top:12px;border-top:1px solid var(--line);color:var(--soft);
font-size:13px}
@media (max-width:480px){.bars li{grid-template-columns:1fr max-content}
.bars .pair{grid-row:2;grid-column:1/3}.bars li{gap:0 10px;padding:3px 0}
.facts{grid-template-columns:1fr}.facts dd{margin-bottom:6px}
.facts dt{font-size:13px}.wide table{min-width:520px}}
@media print{:root{color-scheme:light;--bg:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#bbb;
--fill:#fff;--before:#c4ccd4;--now:#2f6fc4;--moved:#c2410c;--bad:#b42318;--bad-bg:#fff;
--good:#1a7f37;--good-bg:#fff;--dim:#444;--dim-bg:#fff}
body{font-size:11pt}main{max-width:none;padding:0}.wide{overflow:visible}
.before,.now,.moved{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
"""
