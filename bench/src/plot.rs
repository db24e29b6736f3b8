//! Plots of the results, in SVG that suits light and dark pages.

use std::fmt::Write;

use crate::contestant::CONTESTANTS;
use crate::result::{Figure, Results, Summary};
use crate::table::grouped;

const WIDTH: f64 = 760.0;
/// Where bars begin and end; names stand before, values after.
const LEFT: f64 = 130.0;
const RIGHT: f64 = 640.0;
const BAR: f64 = 15.0;
const STEP: f64 = 21.0;
const GROUP: f64 = 34.0;
const TOP: f64 = 64.0;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-size:15px;font-weight:600}\
.group{font-weight:600}.note{fill:#59636e}.bar{fill:#9aa7b4}.ours{fill:#0969da}.floor{fill:#d4d9de}\
.whisker{stroke:#1f2328;stroke-width:1;fill:none}.axis{stroke:#d1d9e0;stroke-width:1}\
@media(prefers-color-scheme:dark){text{fill:#f0f6fc}.note{fill:#9198a1}.bar{fill:#656c76}.ours{fill:#4493f8}\
.floor{fill:#3d444d}.whisker{stroke:#f0f6fc}.axis{stroke:#3d444d}}";

/// What a plot shows.
struct Plot {
    name: &'static str,
    title: &'static str,
    note: &'static str,
    figure: Figure,
    /// What values are divided by, and digits after the point.
    unit: f64,
    digits: usize,
    workloads: &'static [&'static str],
    /// Whether each step of the axis is ten times the one before.
    logarithmic: bool,
}

const PLOTS: [Plot; 3] = [
    Plot {
        name: "cpu",
        title: "CPU time of the server per delivery, µs",
        note: "shorter is better; lines show the range of the rounds",
        figure: Figure::CpuPerDelivery,
        unit: 1.0,
        digits: 2,
        workloads: &["trickle", "burst", "wide", "crowd", "flood"],
        logarithmic: false,
    },
    Plot {
        name: "latency",
        title: "Latency, 99th percentile, ms",
        note: "shorter is better; each step of the axis is ten times the one before",
        figure: Figure::P99,
        unit: 1e3,
        digits: 2,
        workloads: &["trickle", "burst", "wide", "crowd", "half", "slow", "storm"],
        logarithmic: true,
    },
    Plot {
        name: "memory",
        title: "Resident memory of a subscribed, idle connection, KB",
        note: "shorter is better; each step of the axis is ten times the one before",
        figure: Figure::RssPerConnection,
        unit: 1e3,
        digits: 2,
        workloads: &["idle"],
        logarithmic: true,
    },
];

/// The plots for which something was measured: names and SVG.
pub(crate) fn all(results: &Results) -> Vec<(&'static str, String)> {
    PLOTS.iter().filter_map(|plot| Some((plot.name, plot.svg(results)?))).collect()
}

/// The bars of one workload.
struct Group {
    workload: &'static str,
    bars: Vec<(&'static str, Summary)>,
}

impl Plot {
    fn svg(&self, results: &Results) -> Option<String> {
        let groups = self.groups(results);
        let values = || groups.iter().flat_map(|group| group.bars.iter().map(|(_, summary)| summary));
        let most = values().map(|summary| summary.max).max_by(f64::total_cmp)?;
        let least = values().map(|summary| summary.min).min_by(f64::total_cmp)?;
        let scale = Scale::new(least, most, self.logarithmic);
        let mut body = String::new();
        let mut y = TOP;
        for Group { workload, bars } in &groups {
            y += GROUP - STEP;
            // Writing to a string cannot fail.
            let _ = writeln!(body, r#"<text class="group" x="16" y="{y:.1}">{workload}</text>"#);
            y += 8.0;
            for (peer, summary) in bars {
                self.bar(&mut body, &scale, y, peer, *summary);
                y += STEP;
            }
        }
        let height = y + 12.0;
        Some(format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0}" role="img" aria-label="{title}">
<style>{STYLE}</style>
<text class="title" x="16" y="26">{title}</text>
<text class="note" x="16" y="46">{note}</text>
<line class="axis" x1="{LEFT}" y1="{TOP}" x2="{LEFT}" y2="{y:.1}"/>
{body}</svg>
"#,
            title = self.title,
            note = self.note,
        ))
    }

    fn groups(&self, results: &Results) -> Vec<Group> {
        let bars = |workload| {
            let bar = |peer| Some((peer, results.summary(workload, peer, self.figure)?));
            CONTESTANTS.iter().filter_map(|contestant| bar(contestant.name)).collect()
        };
        let groups = self.workloads.iter().map(|&workload| Group { workload, bars: bars(workload) });
        groups.filter(|group| !group.bars.is_empty()).collect()
    }

    fn bar(&self, body: &mut String, scale: &Scale, y: f64, peer: &str, summary: Summary) {
        let class = match peer {
            "floor" => "floor",
            peer if peer.starts_with("topicast") => "ours",
            _ => "bar",
        };
        let (end, min, max) = (scale.x(summary.median), scale.x(summary.min), scale.x(summary.max));
        let (text, middle, after) = (y + 12.0, y + BAR / 2.0, max.max(end) + 8.0);
        let value = grouped(summary.median / self.unit, self.digits);
        let _ = write!(
            body,
            r#"<text x="{name_x}" y="{text:.1}" text-anchor="end">{peer}</text>
<rect class="{class}" x="{LEFT}" y="{y:.1}" width="{width:.1}" height="{BAR}" rx="2"/>
<path class="whisker" d="M{min:.1} {middle:.1}H{max:.1}"/>
<text x="{after:.1}" y="{text:.1}">{value}</text>
"#,
            name_x = LEFT - 8.0,
            width = (end - LEFT).max(0.5),
        );
    }
}

/// From values to places on the axis.
struct Scale {
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Scale {
    fn new(least: f64, most: f64, logarithmic: bool) -> Self {
        if logarithmic {
            // The axis begins half a step below the least, so that this has a bar too.
            return Self { from: least.max(1.0).log10() - 0.5, to: most.max(2.0).log10(), logarithmic };
        }
        Self { from: 0.0, to: most.max(f64::MIN_POSITIVE), logarithmic }
    }

    fn x(&self, value: f64) -> f64 {
        let value = if self.logarithmic { value.max(1.0).log10() } else { value };
        LEFT + ((value - self.from) / (self.to - self.from)).clamp(0.0, 1.0) * (RIGHT - LEFT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::{Cell, Metrics, Outcome};

    #[test]
    fn bars_end_where_their_values_are() {
        let linear = Scale::new(1.0, 10.0, false);
        assert_eq!((linear.x(0.0), linear.x(5.0), linear.x(10.0)), (LEFT, f64::midpoint(LEFT, RIGHT), RIGHT));
        let logarithmic = Scale::new(1e3, 1e5, true);
        assert!((logarithmic.x(1e4) - logarithmic.x(1e3) - (logarithmic.x(1e5) - logarithmic.x(1e4))).abs() < 1e-9);
    }

    #[test]
    fn a_plot_has_a_bar_for_each_peer_that_was_measured() {
        let mut metrics = Metrics::default();
        metrics.set(Figure::CpuPerDelivery, 4.0);
        let cell = |peer: &str| Cell {
            workload: "burst".to_owned(),
            peer: peer.to_owned(),
            round: 0,
            outcome: Outcome::Measured(metrics.clone()),
        };
        let results = Results { cells: vec![cell("topicast"), cell("bun")], ..Results::default() };
        let plots = all(&results);
        assert_eq!(plots.len(), 1);
        assert_eq!(plots[0].1.matches("<rect").count(), 2);
        assert!(all(&Results::default()).is_empty());
    }
}
