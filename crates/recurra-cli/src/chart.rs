//! Charts as SVG: lines or bars, with axes, ticks, labels and a legend, readable on light and dark pages.

use std::fmt::Write;

/// A chart. The values of all series share its axes.
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
    pub(crate) series: Vec<Series>,
}

/// What stands beside and along an axis.
pub(crate) struct Axis {
    pub(crate) label: String,
    pub(crate) scale: Scale,
}

/// How values become places.
pub(crate) enum Scale {
    Linear,
    /// Linear, of shares that are told in percent.
    Percent,
    /// Each doubling takes the same room; values are above 0.
    Log2,
    /// The value i is the place of name i.
    Names(Vec<String>),
}

/// Points that belong together.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) mark: Mark,
    pub(crate) points: Vec<(f64, f64)>,
}

/// How points are drawn.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mark {
    Line,
    Dots,
    /// From 0 on the y axis, with the value above.
    Bars,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 58.0;
const LEFT: f64 = 76.0;
const RIGHT: f64 = 28.0;
/// More of it where there is a legend.
const LEGEND: f64 = 112.0;
/// Lines with no more points than this show each of them.
const FEW: usize = 40;

/// Told apart by those who see few colours, and visible on white and on black.
const COLORS: [&str; 6] = [
    "#2f7fd6", "#d9662b", "#2a9d78", "#b5549a", "#a8841a", "#7d6fe0",
];

const STYLE: &str = "
text{font:13px system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif;fill:#24292f}
.title{font-size:15px;font-weight:600}
.page{fill:#fff}
.grid{stroke:#d8dee4}
.axis{stroke:#57606a}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.page{fill:#0d1117}.grid{stroke:#30363d}.axis{stroke:#8b949e}}
";

/// Ticks of an axis, and where its values lie between 0 and 1.
struct Ruler {
    /// Both ends, as logarithms where the scale is one.
    ends: [f64; 2],
    log: bool,
    ticks: Vec<(f64, String)>,
    /// Decimals of a percentage, or none.
    percent: Option<usize>,
}

impl Ruler {
    fn new(scale: &Scale, values: impl Iterator<Item = f64>, from_zero: bool) -> Self {
        let values = values.filter(|v| v.is_finite());
        let (least, most) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
            (a.min(v), b.max(v))
        });
        // No value at all, or one alone, still has a place.
        let (least, most) = if least > most {
            (0.0, 1.0)
        } else {
            (least, most)
        };
        match scale {
            Scale::Names(names) => Ruler {
                ends: [-0.5, names.len() as f64 - 0.5],
                log: false,
                ticks: (0..).map(f64::from).zip(names.iter().cloned()).collect(),
                percent: None,
            },
            Scale::Log2 => {
                let (first, last) = (least.log2(), most.log2().max(least.log2() + 1.0));
                let powers = first.ceil() as i32..=last.floor() as i32;
                let tick = |power| (f64::from(power), f64::from(power).exp2().to_string());
                Ruler {
                    ends: [first, last],
                    log: true,
                    ticks: powers.map(tick).collect(),
                    percent: None,
                }
            }
            Scale::Linear | Scale::Percent => {
                let percent = matches!(scale, Scale::Percent);
                let least = match (from_zero, percent) {
                    (true, _) => least.min(0.0),
                    // Shares that are all the same are no reason for ticks above 100 %.
                    (false, true) => least.min(most - 1e-3),
                    (false, false) => least,
                };
                let room = most - least;
                let step = round_step(
                    if room > 0.0 {
                        room
                    } else {
                        most.abs().max(1e-3)
                    } / 5.0,
                );
                // A value that is a tick but for rounding needs no further one.
                let first = (least / step + 1e-9).floor();
                let last = (most / step - 1e-9).ceil().max(first + 1.0);
                let unit = if percent { 100.0 } else { 1.0 };
                let decimals = (-(unit * step).log10() - 1e-9).ceil().max(0.0) as usize;
                let sign = if percent { " %" } else { "" };
                let text = |value: f64| format!("{:.decimals$}{sign}", unit * value);
                let ticks = (0..=(last - first) as i32).map(|i| (first + f64::from(i)) * step);
                Ruler {
                    ends: [first * step, last * step],
                    log: false,
                    ticks: ticks.map(|value| (value, text(value))).collect(),
                    percent: percent.then_some(decimals),
                }
            }
        }
    }

    /// Where a value lies between the ends.
    fn place(&self, value: f64) -> f64 {
        let value = if self.log { value.log2() } else { value };
        self.between(value)
    }

    fn between(&self, value: f64) -> f64 {
        (value - self.ends[0]) / (self.ends[1] - self.ends[0])
    }
}

/// 1, 2 or 5 times a power of ten, about this large.
fn round_step(about: f64) -> f64 {
    let power = 10f64.powf(about.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|n| n * power);
    steps
        .into_iter()
        .find(|&s| s >= about)
        .unwrap_or(10.0 * power)
}

impl Chart {
    /// The picture.
    pub(crate) fn to_svg(&self) -> String {
        let points = || self.series.iter().flat_map(|s| s.points.iter().copied());
        let bars = self.series.iter().any(|s| s.mark == Mark::Bars);
        let x = Ruler::new(&self.x.scale, points().map(|p| p.0), false);
        let y = Ruler::new(&self.y.scale, points().map(|p| p.1), bars);
        let legend = self.series.len() > 1;
        let right = WIDTH - RIGHT - if legend { LEGEND } else { 0.0 };
        let bottom = HEIGHT - BOTTOM;
        let across = |place: f64| LEFT + place * (right - LEFT);
        let up = |place: f64| bottom - place * (bottom - TOP);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n\
             <rect class=\"page\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>\n",
            title = escaped(&self.title),
        );
        let mut add = |line: String| writeln!(svg, "{line}").expect("strings can be written to");
        let line = |class: &str, [x1, y1, x2, y2]: [f64; 4]| {
            format!(
                "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
            )
        };
        let text = |attributes: &str, x: f64, y: f64, text: &str| {
            let text = escaped(text);
            format!("<text {attributes} x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>")
        };
        let middle = "text-anchor=\"middle\"";
        add(text("class=\"title\"", LEFT, 28.0, &self.title));
        for (value, name) in &y.ticks {
            let height = up(y.between(*value));
            add(line("grid", [LEFT, height, right, height]));
            add(text("text-anchor=\"end\"", LEFT - 8.0, height + 4.5, name));
        }
        let named = matches!(self.x.scale, Scale::Names(_));
        for (value, name) in &x.ticks {
            let place = across(x.between(*value));
            if !named {
                add(line("grid", [place, TOP, place, bottom]));
            }
            add(text(middle, place, bottom + 19.0, name));
        }
        add(line("axis", [LEFT, bottom, right, bottom]));
        add(text(
            middle,
            (LEFT + right) / 2.0,
            HEIGHT - 14.0,
            &self.x.label,
        ));
        let turned = format!(
            "{middle} transform=\"translate(18 {:.1}) rotate(-90)\"",
            (TOP + bottom) / 2.0
        );
        add(text(&turned, 0.0, 0.0, &self.y.label));
        for (i, series) in self.series.iter().enumerate() {
            let color = COLORS[i % COLORS.len()];
            let places: Vec<_> = series
                .points
                .iter()
                .map(|p| (across(x.place(p.0)), up(y.place(p.1))))
                .collect();
            match series.mark {
                Mark::Bars => {
                    let room = (right - LEFT) / (x.ends[1] - x.ends[0]);
                    let width = 0.7 * room;
                    for (&(place, height), (_, value)) in places.iter().zip(&series.points) {
                        let (from, length) = (place - width / 2.0, up(y.place(0.0)) - height);
                        add(format!(
                            "<rect fill=\"{color}\" x=\"{from:.1}\" y=\"{height:.1}\" width=\"{width:.1}\" height=\"{length:.1}\"/>"
                        ));
                        add(text(
                            &format!("{middle} style=\"font-size:11px\""),
                            place,
                            height - 5.0,
                            &y.told(*value),
                        ));
                    }
                }
                Mark::Line | Mark::Dots => {
                    // Where lines lie upon each other, the gaps of the upper one show the lower.
                    let gaps = if i % 2 == 1 {
                        " stroke-dasharray=\"7 4\""
                    } else {
                        ""
                    };
                    if series.mark == Mark::Line {
                        let path: Vec<_> = places
                            .iter()
                            .map(|(x, y)| format!("{x:.1},{y:.1}"))
                            .collect();
                        add(format!(
                            "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\"{gaps} points=\"{}\"/>",
                            path.join(" ")
                        ));
                    }
                    if series.mark == Mark::Dots || places.len() <= FEW {
                        let radius = if series.mark == Mark::Dots { 5.0 } else { 3.0 };
                        for (x, y) in &places {
                            add(format!(
                                "<circle fill=\"{color}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>"
                            ));
                        }
                    }
                }
            }
            if legend {
                let (x, y) = (right + 18.0, TOP + 8.0 + 22.0 * i as f64);
                add(format!(
                    "<circle fill=\"{color}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\"/>"
                ));
                add(text("", x + 12.0, y + 4.5, &series.name));
            }
        }
        svg + "</svg>\n"
    }
}

impl Ruler {
    /// A value as text, a little more exact than the ticks.
    fn told(&self, value: f64) -> String {
        match self.percent {
            None => value.to_string(),
            Some(_) if value == 0.0 => "0".to_owned(),
            Some(decimals) => {
                let decimals = decimals.max(if value < 0.001 { 2 } else { 1 });
                format!("{:.decimals$}", 100.0 * value)
            }
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ruler(scale: Scale, values: &[f64], from_zero: bool) -> Vec<String> {
        let ruler = Ruler::new(&scale, values.iter().copied(), from_zero);
        for (value, _) in &ruler.ticks {
            assert!((-1e-9..=1.0 + 1e-9).contains(&ruler.between(*value)));
        }
        for value in values.iter().filter(|v| v.is_finite()) {
            assert!(
                (-1e-9..=1.0 + 1e-9).contains(&ruler.place(*value)),
                "{value}"
            );
        }
        ruler.ticks.into_iter().map(|tick| tick.1).collect()
    }

    #[test]
    fn ticks_are_round_and_hold_all_values() {
        assert_eq!(
            ruler(Scale::Percent, &[0.9982, 0.9898, 1.0], false),
            ["98.5 %", "99.0 %", "99.5 %", "100.0 %"]
        );
        assert_eq!(
            ruler(Scale::Linear, &[3.0, 14.0], true),
            ["0", "5", "10", "15"]
        );
        assert_eq!(
            ruler(Scale::Log2, &[1.0, 16.0], false),
            ["1", "2", "4", "8", "16"]
        );
        assert_eq!(ruler(Scale::Log2, &[1.1, 1.2], false), ["2"]);
        let names = ["a", "b"].map(str::to_owned);
        assert_eq!(
            ruler(Scale::Names(names.to_vec()), &[0.0, 1.0], false),
            names
        );
        // One value, none, and one that is no number.
        let whole = ruler(Scale::Percent, &[1.0], false);
        assert_eq!(whole.last().unwrap(), "100.00 %");
        assert!(ruler(Scale::Linear, &[0.0], true).len() >= 2);
        assert!(ruler(Scale::Linear, &[], true).len() >= 2);
        assert!(ruler(Scale::Linear, &[f64::NAN, 1.0, 2.0], true).len() >= 2);
    }

    #[test]
    fn a_picture_is_well_formed_and_shows_everything() {
        let chart = |mark, scale| Chart {
            title: "A < B & C".into(),
            x: Axis {
                label: "steps".into(),
                scale,
            },
            y: Axis {
                label: "exact".into(),
                scale: Scale::Percent,
            },
            series: ["one", "two"]
                .map(|name| Series {
                    name: name.into(),
                    mark,
                    points: vec![(1.0, 0.5), (2.0, 0.75)],
                })
                .into(),
        };
        for (mark, scale, shape) in [
            (Mark::Line, Scale::Log2, "<polyline"),
            (Mark::Dots, Scale::Linear, "r=\"5\""),
            (
                Mark::Bars,
                Scale::Names(vec!["a".into(), "b".into(), "c".into()]),
                "<rect fill",
            ),
        ] {
            let svg = chart(mark, scale).to_svg();
            for part in [
                "A &lt; B &amp; C",
                ">one<",
                ">two<",
                ">steps<",
                ">exact<",
                shape,
            ] {
                assert!(svg.contains(part), "{part}: {svg}");
            }
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
            assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        }
    }
}
