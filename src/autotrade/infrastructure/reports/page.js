// Draws what stands in the page's own data. Reads nothing from anywhere else.
"use strict";
(function () {
  const data = JSON.parse(document.getElementById("charts").textContent);
  const charts = [];
  const painters = [];

  function color(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  function layout() {
    return {
      layout: {
        background: { type: "solid", color: color("paper") },
        textColor: color("soft"),
        panes: { separatorColor: color("line"), enableResize: false },
        attributionLogo: true,
      },
      grid: { vertLines: { color: color("line") }, horzLines: { color: color("line") } },
      rightPriceScale: { borderColor: color("line") },
      timeScale: { borderColor: color("line"), timeVisible: true, secondsVisible: false,
        minBarSpacing: 0.02 },
      localization: { locale: "en-GB" },
    };
  }

  function makeChart(place) {
    const chart = LightweightCharts.createChart(place, { autoSize: true, ...layout() });
    charts.push(chart);
    return chart;
  }

  function addLine(chart, options, paint, points, pane) {
    const series = chart.addSeries(LightweightCharts[options.kind], {
      priceLineVisible: false, lineWidth: 2, title: options.title, ...options.more,
    }, pane);
    series.setData(points);
    const repaint = () => series.applyOptions(paint());
    painters.push(repaint);
    repaint();
    return series;
  }

  function drawCurve(place) {
    const rows = data.curve;
    const chart = makeChart(place);
    const seconds = rows.map((row) => Math.floor(row[0] / 1000));
    const percent = { type: "custom", minMove: 0.01, formatter: (v) => v.toFixed(2) + " %" };
    let peak = -Infinity;
    const under = rows.map((row, at) => {
      peak = Math.max(peak, row[1]);
      return { time: seconds[at], value: 100 * (row[1] / peak - 1) };
    });
    addLine(chart, { kind: "LineSeries", more: { lineWidth: 1 } },
      () => ({ color: color("held") }),
      rows.map((row, at) => ({ time: seconds[at], value: row[2] })), 0);
    addLine(chart, { kind: "LineSeries" },
      () => ({ color: color("accent") }),
      rows.map((row, at) => ({ time: seconds[at], value: row[1] })), 0);
    addLine(chart, { kind: "AreaSeries", more: { priceFormat: percent, lineWidth: 1,
      invertFilledArea: true } },
      () => ({ lineColor: color("loss"), topColor: color("loss") + "55",
        bottomColor: color("loss") + "22" }),
      under, 1);
    chart.panes()[0].setStretchFactor(3);
    chart.panes()[1].setStretchFactor(1);
    chart.timeScale().fitContent();
  }

  // A deal's moments belong to the candle they fell into.
  function candleTime(times, seconds) {
    let low = 0, high = times.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (times[middle] <= seconds) low = middle; else high = middle - 1;
    }
    return times[low];
  }

  function drawCandles(place, part) {
    const chart = makeChart(place);
    const series = chart.addSeries(LightweightCharts.CandlestickSeries, {
      priceLineVisible: false,
      priceFormat: { type: "price", precision: part.decimals,
        minMove: Math.pow(10, -part.decimals) },
    });
    const times = part.rows.map((row) => Math.floor(row[0] / 1000));
    series.setData(part.rows.map((row, at) => ({
      time: times[at], open: row[1], high: row[2], low: row[3], close: row[4],
    })));
    const marks = LightweightCharts.createSeriesMarkers(series, []);
    function repaint() {
      const gain = color("gain"), loss = color("loss"), accent = color("accent");
      series.applyOptions({ upColor: gain, downColor: loss, wickUpColor: gain,
        wickDownColor: loss, borderVisible: false });
      const found = [];
      for (const deal of part.deals) {
        found.push({ time: candleTime(times, deal[0] / 1000), position: "atPriceBottom",
          price: deal[2], shape: "arrowUp", color: accent, size: 0.6 });
        found.push({ time: candleTime(times, deal[1] / 1000), position: "atPriceTop",
          price: deal[3], shape: "arrowDown", color: deal[4] > 0 ? gain : loss, size: 0.6 });
      }
      found.sort((a, b) => a.time - b.time);
      marks.setMarkers(found);
    }
    painters.push(repaint);
    repaint();
    chart.timeScale().fitContent();
    if (part.opens_at !== null) {
      chart.timeScale().setVisibleLogicalRange({ from: part.opens_at, to: times.length + 2 });
    }
  }

  function repaintAll() {
    charts.forEach((chart) => chart.applyOptions(layout()));
    painters.forEach((paint) => paint());
  }

  const curve = document.getElementById("curve");
  if (curve && data.curve.length > 1) drawCurve(curve);
  data.candles.forEach((part, at) => {
    const place = document.getElementById("candles-" + at);
    if (place && part.rows.length) drawCandles(place, part);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaintAll);
  matchMedia("print").addEventListener("change", repaintAll);
})();
