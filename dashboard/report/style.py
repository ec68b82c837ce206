"""How a report looks on the screen and on A4 paper."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light; --ink: #1b1f24; --soft: #59626d; --line: #d5dae0; --tint: #f4f6f8;
  --accent: #0b5a8a; }
@page { size: A4; margin: 15mm; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); line-height: 1.5; font-size: 10.5pt;
  font-family: system-ui, "Segoe UI", "Malgun Gothic", "Apple SD Gothic Neo", "Noto Sans KR",
  sans-serif; overflow-wrap: anywhere; word-break: keep-all; }
main { max-width: 180mm; margin: 0 auto; padding: 10mm 4mm 16mm; }
h1 { font-size: 20pt; line-height: 1.2; margin: 0 0 2mm; }
h2 { font-size: 15pt; margin: 11mm 0 3mm; padding-bottom: 1.5mm; border-bottom: 2px solid
  var(--accent); }
h3 { font-size: 12pt; margin: 7mm 0 2mm; }
h4 { font-size: 10.5pt; margin: 5mm 0 2mm; }
p, ul { margin: 0 0 3mm; }
ul { padding-left: 5mm; }
a { color: var(--accent); }
.made, .note, figcaption, caption { color: var(--soft); }
.note { font-size: 9pt; }
.warning { background: #fff4df; border-left: 4px solid #c77700; padding: 2.5mm 4mm; }
.short { background: var(--tint); border-left: 4px solid var(--accent); padding: 2.5mm 4mm; }
.wide { overflow-x: auto; margin: 0 0 4mm; }
table { border-collapse: collapse; width: 100%; font-size: 8.5pt; overflow-wrap: normal; }
caption { text-align: left; padding-bottom: 1.5mm; }
th, td { text-align: left; vertical-align: top; padding: 1.2mm 1.5mm; border-bottom: 1px solid
  var(--line); }
thead th { background: var(--tint); border-bottom-color: var(--soft); }
tbody th { font-weight: 600; }
tfoot th, tfoot td { font-weight: 600; background: var(--tint); }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
.matrices { display: grid; grid-template-columns: repeat(auto-fill, minmax(54mm, 1fr));
  gap: 0 6mm; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(80mm, 100%), 1fr));
  gap: 0 6mm; }
.chart { margin: 0 0 4mm; min-width: 0; }
.samples { display: grid; grid-template-columns: repeat(auto-fill, minmax(72mm, 1fr));
  gap: 4mm 6mm; }
.sample { margin: 0; }
.panels { display: grid; grid-template-columns: repeat(3, 1fr); gap: 1mm; align-items: start; }
.panels img { width: 100%; height: auto; display: block; border: 1px solid var(--line); }
.panels span { border: 1px dashed var(--line); color: var(--soft); font-size: 8pt; padding: 2mm 1mm;
  text-align: center; }
figcaption { font-size: 8.5pt; line-height: 1.35; padding-top: 1mm; }
figcaption strong { color: var(--ink); }
pre { background: var(--tint); padding: 3mm; font-size: 9pt; white-space: pre-wrap; margin: 0 0 3mm;
  overflow-wrap: anywhere; }
@media print {
  body { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { padding: 0; }
  .wide { overflow: visible; }
  section.category + section.category { break-before: page; }
  h2, h3, h4, caption { break-after: avoid; }
  tr, .chart, .sample, .matrices .wide, .warning, .short { break-inside: avoid; }
  .modebar-container { display: none; }
  a { color: inherit; text-decoration: none; }
}
"""
