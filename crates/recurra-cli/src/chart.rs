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
const LEFT: f64 = 92.0;
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
        let legend = self.series.len() > 1;
        let mut picture = Picture {
            x: Ruler::new(&self.x.scale, points().map(|p| p.0), false),
            y: Ruler::new(&self.y.scale, points().map(|p| p.1), bars),
            right: WIDTH - RIGHT - if legend { LEGEND } else { 0.0 },
            svg: format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">\n\
                 <title>{}</title>\n<style>{STYLE}</style>\n\
                 <rect class=\"page\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\"/>\n",
                escaped(&self.title),
            ),
        };
        picture.frame(self);
        for (i, series) in self.series.iter().enumerate() {
            let color = COLORS[i % COLORS.len()];
            // Where lines lie upon each other, the gaps of the upper one show the lower.
            let gaps = if i % 2 == 1 { "7 4" } else { "none" };
            let stroke =
                format!("stroke=\"{color}\" stroke-width=\"2\" stroke-dasharray=\"{gaps}\"");
            picture.series(series, color, &stroke);
            if legend {
                picture.legend(i, series, color, &stroke);
            }
        }
        picture.svg + "</svg>\n"
    }
}

const MIDDLE: &str = "text-anchor=\"middle\"";
const BOTTOM_LINE: f64 = HEIGHT - BOTTOM;

/// A picture in the making.
struct Picture {
    svg: String,
    x: Ruler,
    y: Ruler,
    /// Where the plot ends.
    right: f64,
}

impl Picture {
    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        writeln!(self.svg, "{element}").expect("strings can be written to");
    }

    fn text(&mut self, attributes: &str, (x, y): (f64, f64), text: &str) {
        let text = escaped(text);
        self.add(format_args!(
            "<text {attributes} x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"
        ));
    }

    fn line(&mut self, attributes: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.add(format_args!(
            "<line {attributes} x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"
        ));
    }

    fn dot(&mut self, color: &str, (x, y): (f64, f64), radius: f64) {
        self.add(format_args!(
            "<circle fill=\"{color}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\"/>"
        ));
    }

    /// From a place between 0 and 1 along each axis.
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (
            LEFT + x * (self.right - LEFT),
            BOTTOM_LINE - y * (BOTTOM_LINE - TOP),
        )
    }

    /// Title, axes, ticks and their labels.
    fn frame(&mut self, chart: &Chart) {
        self.text("class=\"title\"", (LEFT, 28.0), &chart.title);
        for (value, name) in std::mem::take(&mut self.y.ticks) {
            let (left, height) = self.at(0.0, self.y.between(value));
            self.line("class=\"grid\"", (left, height), (self.right, height));
            self.text("text-anchor=\"end\"", (left - 8.0, height + 4.5), &name);
        }
        let named = matches!(chart.x.scale, Scale::Names(_));
        for (value, name) in std::mem::take(&mut self.x.ticks) {
            let (place, bottom) = self.at(self.x.between(value), 0.0);
            if !named {
                self.line("class=\"grid\"", (place, TOP), (place, bottom));
            }
            self.text(MIDDLE, (place, bottom + 19.0), &name);
        }
        self.line(
            "class=\"axis\"",
            (LEFT, BOTTOM_LINE),
            (self.right, BOTTOM_LINE),
        );
        let (middle, center) = self.at(0.5, 0.5);
        self.text(MIDDLE, (middle, HEIGHT - 14.0), &chart.x.label);
        let turned = format!("{MIDDLE} transform=\"translate(18 {center:.1}) rotate(-90)\"");
        self.text(&turned, (0.0, 0.0), &chart.y.label);
    }

    fn series(&mut self, series: &Series, color: &str, stroke: &str) {
        let place = |&(x, y): &(f64, f64)| self.at(self.x.place(x), self.y.place(y));
        let places: Vec<_> = series.points.iter().map(place).collect();
        match series.mark {
            Mark::Bars => {
                let width = 0.7 * (self.right - LEFT) / (self.x.ends[1] - self.x.ends[0]);
                for (&(middle, top), (_, value)) in places.iter().zip(&series.points) {
                    let (left, height) = (middle - width / 2.0, BOTTOM_LINE - top);
                    self.add(format_args!(
                        "<rect fill=\"{color}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>"
                    ));
                    let small = format!("{MIDDLE} style=\"font-size:11px\"");
                    let told = self.y.told(*value);
                    self.text(&small, (middle, top - 5.0), &told);
                }
            }
            Mark::Dots => places.into_iter().for_each(|at| self.dot(color, at, 5.0)),
            Mark::Line => {
                let path = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}"));
                let path = path.collect::<Vec<_>>().join(" ");
                self.add(format_args!(
                    "<polyline fill=\"none\" {stroke} points=\"{path}\"/>"
                ));
                if places.len() <= FEW {
                    places.into_iter().for_each(|at| self.dot(color, at, 3.0));
                }
            }
        }
    }

    fn legend(&mut self, i: usize, series: &Series, color: &str, stroke: &str) {
        let (x, y) = (self.right + 14.0, TOP + 8.0 + 22.0 * i as f64);
        match series.mark {
            Mark::Line => self.line(stroke, (x, y), (x + 18.0, y)),
            Mark::Dots | Mark::Bars => self.dot(color, (x + 9.0, y), 5.0),
        }
        self.text("", (x + 24.0, y + 4.5), &series.name);
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

/// Text that means itself in SVG.
pub(crate) fn escaped(text: &str) -> String {
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
