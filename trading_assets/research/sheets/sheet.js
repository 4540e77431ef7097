// Draws the charts of the tear sheet, tells the values below the mouse, and sets the width of paper while printing.
(() => {
  "use strict"
  const sheet = JSON.parse(document.getElementById("sheet-data").textContent)
  const PAPER = {whole: 690, half: 333} // pixels: within the margins of A4 and of Letter
  const DAY = 86400000
  const ERRORS = 1 // of Vega: no warning that a layer has no row
  const hint = document.getElementById("hint")
  const drawn = new Map()

  const rowsOverTime = columns => sheet.columns.session.map((day, place) => {
    const row = {session: day * DAY}
    for (const name of columns) row[name] = sheet.columns[name][place]
    return row
  })

  const write = (value, unit) => {
    if (value === null || value === undefined) return "–"
    const digits = {frac: 2, ratio: 2, count: 0, usd: Math.abs(value) < 10000 ? 2 : 0}[unit]
    const form = {minimumFractionDigits: digits, maximumFractionDigits: digits}
    if (unit === "frac") return `${(100 * value).toLocaleString("en-US", form)} %`
    const text = Math.abs(value).toLocaleString("en-US", form)
    return `${value < 0 ? "-" : ""}${unit === "usd" ? "$" : ""}${text}`
  }

  const written = day => new Date(day * DAY).toLocaleDateString("en-GB", {
    weekday: "short", day: "2-digit", month: "short", year: "numeric", timeZone: "UTC",
  })

  const nearest = days => at => {
    let low = 0, high = days.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (days[middle] < at) low = middle + 1
      else high = middle
    }
    return low > 0 && at - days[low - 1] < days[low] - at ? low - 1 : low
  }
  const place = nearest(sheet.columns.session)

  function tell(box, view, hover, event) {
    const [left, top] = view.origin(), width = view.signal("width"), scale = view.scale("x")
    const edge = box.getBoundingClientRect()
    const x = event.clientX - edge.left - left
    const cross = box.querySelector(".cross")
    if (x < -6 || x > scale.range()[1] + 6 || !width) return leave(box)
    const at = place(scale.invert(x).valueOf() / DAY), day = sheet.columns.session[at]
    cross.style.cssText = `display:block;left:${left + scale(day * DAY)}px;top:${top}px;height:${view.signal("height")}px`
    const table = document.createElement("table")
    for (const [name, label, unit] of [[null, written(day)], ...hover]) {
      const row = table.insertRow()
      row.insertCell().textContent = label
      if (name) row.insertCell().textContent = write(sheet.columns[name][at], unit)
    }
    hint.replaceChildren(table)
    hint.style.display = "block"
    const beyond = event.clientX + 24 + hint.offsetWidth > window.innerWidth
    hint.style.left = `${beyond ? event.clientX - 16 - hint.offsetWidth : event.clientX + 16}px`
    hint.style.top = `${Math.min(event.clientY + 14, window.innerHeight - hint.offsetHeight - 6)}px`
  }

  function leave(box) {
    box.querySelector(".cross").style.display = "none"
    hint.style.display = "none"
  }

  async function draw(box, name) {
    const {usermeta, ...spec} = sheet.charts[name]
    drawn.get(box)?.finalize()
    const rows = sheet.rows[name] ?? rowsOverTime(usermeta.columns)
    const room = document.createElement("div"), cross = document.createElement("div")
    room.style.width = "100%"
    cross.className = "cross"
    box.replaceChildren(room, cross)
    const result = await vegaEmbed(room, {...spec, datasets: {...spec.datasets, rows}}, {
      actions: false, renderer: "svg", ast: true, defaultStyle: false, logLevel: ERRORS, tooltip: {disableDefaultStyle: true},
    })
    drawn.set(box, result)
    box.onmousemove = usermeta.hover.length ? event => tell(box, result.view, usermeta.hover, event) : null
    box.onmouseleave = () => leave(box)
    box.dataset.drawn = name
  }

  const boxes = [...document.querySelectorAll(".chart")]
  const all = Promise.all(boxes.map(box => draw(box, box.dataset.chart)))
  all.then(() => { document.documentElement.dataset.drawn = "all" })

  const scale = document.getElementById("log-scale")
  scale?.addEventListener("change", () => {
    const box = document.querySelector('[data-chart^="equity"]')
    draw(box, scale.checked ? "equity_log" : "equity")
  })

  const widths = room => { for (const [box, {view}] of drawn) view.width(room(box)).run() }
  window.addEventListener("beforeprint", () => widths(box => box.closest(".pair") ? PAPER.half : PAPER.whole))
  window.addEventListener("afterprint", () => widths(box => box.clientWidth))
})()
