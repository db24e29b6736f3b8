//! One measurement of one peer under one workload: starts, loads, measures and stops the peer.

use std::path::PathBuf;
use std::time::Duration;

use crate::child::{Process, Program, URGENT};
use crate::clock;
use crate::kernel::{Cpu, Memory, SendCalls, core_busy_us};
use crate::load::{Connect, Connected, Measure, Measured, Order, Reading};
use crate::load_process::Load;
use crate::result::{Figure, Metrics};
use crate::schedule::Schedule;
use crate::workload::Workload;

/// The timeout of short operations.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How long updates may be late before they count as lost, in seconds.
pub(crate) const DRAIN: f64 = 5.0;

/// The timeout for opening all connections.
const CONNECT_US: u64 = 90_000_000;

/// The delay from an order to the first update, so that all processes are ready.
const LEAD_US: u64 = 200_000;

/// The limit of connections in progress, in workloads that do not measure connecting.
const IN_FLIGHT: usize = 64;

/// The settings of all cells of a run.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) server_core: usize,
    pub(crate) load_core: usize,
    /// The folder for processes and installed peers.
    pub(crate) folder: PathBuf,
    /// The measured time, as a fraction of the workload's.
    pub(crate) scale: f64,
    /// The measured time in seconds, if given.
    pub(crate) seconds: Option<f64>,
    /// Whether to count sending calls.
    pub(crate) count_calls: bool,
}

impl Setup {
    pub(crate) fn seconds(&self, workload: &Workload) -> f64 {
        self.seconds.unwrap_or(workload.seconds * self.scale)
    }
}

/// A running server, and the load client connected to it.
pub(crate) struct Session<'a> {
    pub(crate) setup: &'a Setup,
    pub(crate) workload: &'a Workload,
    pub(crate) server: Process,
    pub(crate) load: Load,
    pub(crate) port: u16,
    pub(crate) before: Memory,
    pub(crate) metrics: Metrics,
    /// The number of updates of each topic that the server was asked to publish.
    pub(crate) published: u64,
}

/// A stretch of updates: its rate, its duration, and the warm-up before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stretch {
    pub(crate) rate: f64,
    pub(crate) seconds: f64,
    pub(crate) warm_up: f64,
    /// How long updates may be late before they count as lost.
    pub(crate) drain: f64,
}

/// The measurements of a stretch.
pub(crate) struct Found {
    pub(crate) measured: Measured,
    pub(crate) wall_us: f64,
    pub(crate) cpu_us: f64,
    pub(crate) load_us: f64,
    pub(crate) core_us: f64,
    pub(crate) threads_us: Vec<f64>,
}

impl<'a> Session<'a> {
    /// Starts a server without load.
    pub(crate) fn start(setup: &'a Setup, workload: &'a Workload, program: &Program) -> Result<Self, String> {
        let mut server = program.start(&setup.folder)?;
        let port = server.line_of("ready ", PATIENCE)?;
        let port = port.parse().map_err(|_| format!("`{port}` is no port"))?;
        let load = Load::start(port, setup.load_core, URGENT, &setup.folder)?;
        let (before, metrics) = (Memory::default(), Metrics::default());
        let mut session = Self { setup, workload, server, load, port, before, metrics, published: 0 };
        // Opens one connection first, so that memory that a server allocates then is not counted.
        let one = Workload { connections: 1, ..*workload };
        Load::start(port, setup.load_core, URGENT, &setup.folder)?.connect_all(session.order(
            &one,
            0,
            Reading::Always,
        ))?;
        pause(0.3);
        session.before = Memory::of(session.server.id())?;
        Ok(session)
    }

    /// Opens the workload's connections, all of which must succeed.
    pub(crate) fn connect(&mut self) -> Result<Connected, String> {
        let connected = self.load.connect_all(self.order(self.workload, 0, Reading::Always))?;
        self.metrics.set(Figure::ConnectSeconds, figure(connected.micros) / 1e6);
        Ok(connected)
    }

    /// Returns the order for a workload's connections.
    pub(crate) fn order(&self, workload: &Workload, first_topic: u32, reading: Reading) -> Connect {
        Connect {
            count: workload.connections,
            first_topic,
            topics: workload.topics,
            topics_per_connection: workload.topics_per_connection,
            in_flight: IN_FLIGHT,
            reading,
            give_up_us: clock::now_us() + CONNECT_US,
        }
    }

    /// Records the memory of this number of connections.
    pub(crate) fn weigh(&mut self, connections: usize) -> Result<(), String> {
        let now = Memory::of(self.server.id())?;
        self.metrics.set(Figure::RssPerConnection, (now.rss - self.before.rss) / count(connections));
        self.metrics.set(Figure::PssPerConnection, (now.pss - self.before.pss) / count(connections));
        Ok(())
    }

    /// Records the memory of connections after updates.
    pub(crate) fn weigh_again(&mut self, connections: usize) -> Result<(), String> {
        let now = Memory::of(self.server.id())?;
        self.metrics.set(Figure::RssPerConnectionAfter, (now.rss - self.before.rss) / count(connections));
        Ok(())
    }

    /// Returns the schedule of a stretch and its first measured tick.
    pub(crate) fn schedule(&self, stretch: Stretch) -> (Schedule, u64) {
        let period_ns = whole(1e9 / stretch.rate).max(1);
        let ticks = |seconds: f64| whole((seconds * stretch.rate).round());
        let first = ticks(stretch.warm_up);
        let schedule = Schedule {
            start_us: clock::now_us() + LEAD_US,
            period_ns,
            ticks: first + ticks(stretch.seconds).max(1),
            topics: self.workload.topics,
            spread: false,
        };
        (schedule, first)
    }

    /// Starts publishing and measuring; `keep` keeps the samples for an end that is not known yet.
    pub(crate) fn begin(&mut self, stretch: Stretch, keep: bool) -> Result<Measure, String> {
        let (schedule, first) = self.schedule(stretch);
        let give_up_us = schedule.end_us() + whole(stretch.drain * 1e6);
        let order = Measure { schedule, first, end: schedule.ticks, give_up_us, keep };
        self.load.begin(order.clone())?;
        self.follow(&schedule)?;
        Ok(order)
    }

    /// Starts publishing without measuring.
    pub(crate) fn publish(&mut self, stretch: Stretch) -> Result<(), String> {
        let (schedule, _) = self.schedule(stretch);
        self.follow(&schedule)
    }

    /// Makes the server publish.
    pub(crate) fn follow(&mut self, schedule: &Schedule) -> Result<(), String> {
        self.published += schedule.ticks;
        self.server.send(&schedule.command())
    }

    /// Makes the slow connections read.
    pub(crate) fn begin_drain(&mut self, quiet_us: u64, give_up_us: u64) -> Result<(), String> {
        self.load.send(&Order::Drain { quiet_us, give_up_us })
    }

    /// Measures a stretch.
    pub(crate) fn measure(&mut self, stretch: Stretch) -> Result<Found, String> {
        self.measure_while(stretch, |_, until_us| {
            clock::sleep_until(until_us);
            Ok(())
        })
    }

    /// Measures a stretch, during which `wait` runs until a time.
    pub(crate) fn measure_while(
        &mut self,
        stretch: Stretch,
        wait: impl FnOnce(&Self, u64) -> Result<(), String>,
    ) -> Result<Found, String> {
        let order = self.begin(stretch, false)?;
        let (from_us, until_us) = (order.schedule.at(order.first, 0), order.schedule.end_us());
        clock::sleep_until(from_us);
        let before = self.spent()?;
        wait(self, until_us)?;
        let after = self.spent()?;
        let measured = self.load.measured(order.give_up_us)?;
        Ok(Found {
            measured,
            wall_us: figure(after.at_us - before.at_us),
            cpu_us: after.server.since(&before.server),
            load_us: after.load.since(&before.load),
            core_us: after.core_us - before.core_us,
            threads_us: after.server.by_thread(&before.server),
        })
    }

    fn spent(&self) -> Result<Spent, String> {
        Ok(Spent {
            at_us: clock::now_us(),
            server: Cpu::of(self.server.id())?,
            load: Cpu::of(self.load.id())?,
            core_us: core_busy_us(self.setup.server_core)?,
        })
    }

    /// Counts sending calls in a separate short stretch, since counting costs time.
    pub(crate) fn count_calls(&mut self, rate: f64) -> Result<(), String> {
        if !self.setup.count_calls {
            return Ok(());
        }
        let stretch = Stretch { rate, seconds: 1.0, warm_up: 0.0, drain: 1.0 };
        let Some(calls) = SendCalls::count(self.server.id(), 2.6, self.setup.load_core) else { return Ok(()) };
        // The counter must run before the first update.
        pause(0.4);
        let order = self.begin(stretch, false)?;
        let measured = self.load.measured(order.give_up_us)?;
        if let Some(calls) = calls.finish()
            && measured.received == measured.expected
        {
            self.metrics.set(Figure::CallsPerDelivery, calls / figure(measured.received));
        }
        Ok(())
    }

    /// Stores the figures of a stretch.
    pub(crate) fn keep(&mut self, stretch: Stretch, found: &Found) {
        let measured = &found.measured;
        let listeners = self.workload.connections * self.workload.topics_per_connection as usize;
        let arrivals = figure(measured.arrivals);
        let lost = measured.expected.saturating_sub(measured.received);
        // Without arrivals the quotient is not a number and is not stored.
        for (name, value) in [
            (Figure::Rate, stretch.rate),
            (Figure::OfferedPerSecond, stretch.rate * count(listeners)),
            (Figure::DeliveriesPerSecond, arrivals * 1e6 / found.wall_us),
            (Figure::CpuPerDelivery, found.cpu_us / arrivals),
            (Figure::DeliveriesPerCpuSecond, arrivals * 1e6 / found.cpu_us),
            (Figure::LoadPerDelivery, found.load_us / arrivals),
            (Figure::FrameBytes, figure(measured.arrived_bytes) / arrivals),
            (Figure::ServerBusy, found.cpu_us / found.wall_us),
            (Figure::CoreBusy, found.core_us / found.wall_us),
            (Figure::LoadBusy, found.load_us / found.wall_us),
            (Figure::P50, figure(measured.latency.p50)),
            (Figure::P99, figure(measured.latency.p99)),
            (Figure::P999, figure(measured.latency.p999)),
            (Figure::SpreadP50, figure(measured.spread.p50)),
            (Figure::SpreadP99, figure(measured.spread.p99)),
            (Figure::Lost, figure(lost)),
            (Figure::Disorder, figure(measured.disorder)),
            (Figure::Early, figure(measured.early)),
            (Figure::Closed, count(measured.closed)),
        ] {
            self.metrics.set(name, value);
        }
    }
}

struct Spent {
    at_us: u64,
    server: Cpu,
    load: Cpu,
    core_us: f64,
}

/// Waits for processes to become idle.
pub(crate) fn pause(seconds: f64) {
    std::thread::sleep(Duration::from_secs_f64(seconds));
}

/// Converts a count to a figure; all counts here are exact as `f64`.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^53")]
pub(crate) fn figure(value: u64) -> f64 {
    value as f64
}

pub(crate) fn count(value: usize) -> f64 {
    figure(value as u64)
}

/// Returns the integer part of a non-negative figure.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "figures are positive and far below 2^53")]
pub(crate) fn whole(value: f64) -> u64 {
    value as u64
}
