//! The two ends of the channel between a window (or a script) and the worker.
//!
//! Apart so that a test can play either end.

use std::sync::{
    Arc, Condvar, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
    mpsc::{Receiver, SyncSender, sync_channel},
};

use super::{
    card::{
        CardState, Preference,
        prepare::{Host, ReadyCard},
    },
    event::{Event, JobId},
    prediction_cache::MemoryBudget,
};
use crate::{model::ModelPair, recipe::Recipe};

/// Room for the events of several runs: a hidden window that drains late does not block the worker for long.
const EVENT_ROOM: usize = 4096;

/// What the UI holds: sends recipes, takes events. Never waits.
pub struct EngineHandle {
    shared: Arc<Shared>,
    events: Receiver<Event>,
}

/// What the worker holds: takes the newest recipe, sends events.
pub struct WorkerEnd {
    shared: Arc<Shared>,
    events: EventSender,
}

/// Sends events and wakes the other end, from any thread.
#[derive(Clone)]
struct EventSender {
    events: SyncSender<Event>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl EventSender {
    /// Once the other end is gone, events are dropped.
    fn send(&self, event: Event) {
        if self.events.send(event).is_ok() {
            (self.wake)();
        }
    }
}

/// What the thread that prepares the graphics card holds.
pub struct CardHost {
    shared: Arc<Shared>,
    events: EventSender,
}

struct Shared {
    /// Only the newest request is kept; it replaces an older one that was never begun.
    pending: Mutex<Pending>,
    arrived: Condvar,
    /// Incremented by every submission and stop; a running job compares it with the value it began with.
    generation: AtomicU64,
    closed: AtomicBool,
    budget: Arc<MemoryBudget>,
}

impl Shared {
    fn preference(&self) -> Preference {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).preference
    }

    fn chosen_card(&self) -> Option<String> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).chosen_card.clone()
    }
}

#[derive(Default)]
struct Pending {
    request: Option<Request>,
    /// The budget was lowered since the worker last looked.
    trim: bool,
    /// Two models to compare: whether they can be fused.
    pair: Option<ModelPair>,
    preference: Preference,
    /// The name of the graphics card that the user has chosen; `None` for the best one.
    chosen_card: Option<String>,
    /// The user asked for another attempt at the graphics card.
    retry: bool,
    /// A graphics card that is ready.
    card: Option<ReadyCard>,
    next_id: u64,
}

/// What the worker is to do next.
pub enum Work {
    Render(Box<Request>),
    Compare(ModelPair),
    /// Free what no longer fits the budget.
    Trim,
    /// Take over a graphics card that is ready.
    Card(ReadyCard),
    /// Try to prepare the graphics card again.
    Retry,
}

/// A recipe to carry out.
#[derive(Clone, Debug)]
pub struct Request {
    pub job: JobId,
    pub recipe: Recipe,
    generation: u64,
}

/// Tells a running job whether its result is still needed. One atomic load, cheap enough to ask between any two
/// operations.
#[derive(Clone)]
pub struct CancelToken {
    shared: Arc<Shared>,
    generation: u64,
}

impl CancelToken {
    pub fn is_cancelled(&self) -> bool {
        self.shared.generation.load(Ordering::Acquire) != self.generation
    }
}

/// Makes a connected pair. `wake` is called after every event, from the threads of the worker's end.
pub fn connect(wake: impl Fn() + Send + Sync + 'static) -> (EngineHandle, WorkerEnd) {
    let shared = Arc::new(Shared {
        pending: Mutex::default(),
        arrived: Condvar::new(),
        generation: AtomicU64::new(0),
        closed: AtomicBool::new(false),
        budget: Arc::default(),
    });
    let (sender, events) = sync_channel(EVENT_ROOM);
    let events_out = EventSender { events: sender, wake: Arc::new(wake) };
    let worker = WorkerEnd { shared: shared.clone(), events: events_out };
    (EngineHandle { shared, events }, worker)
}

impl EngineHandle {
    /// Asks for `recipe`; a running or waiting job is cancelled.
    pub fn submit(&self, recipe: Recipe) -> JobId {
        let mut pending = self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.next_id += 1;
        let job = JobId(pending.next_id);
        let generation = self.shared.generation.fetch_add(1, Ordering::AcqRel) + 1;
        pending.request = Some(Request { job, recipe, generation });
        self.shared.arrived.notify_one();
        job
    }

    /// Asks whether two models can be fused; [`Event::Compatibility`] answers. Does not stop a running job, and the answer
    /// does not wait for its end.
    pub fn compare(&self, pair: ModelPair) {
        let mut pending = self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.pair = Some(pair);
        self.shared.arrived.notify_one();
    }

    /// Cancels the running and the waiting job.
    pub fn stop(&self) {
        let mut pending = self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.request = None;
        self.shared.generation.fetch_add(1, Ordering::AcqRel);
    }

    /// Sets how many bytes the worker's cache may take; a running job keeps to it from now on, an idle worker frees at
    /// once what is too much.
    pub fn set_memory(&self, bytes: usize) {
        self.shared.budget.set_budget(bytes);
        self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner).trim = true;
        self.shared.arrived.notify_one();
    }

    /// Sets which device is to compute, from the next request on. A graphics card that is not ready yet is prepared then.
    pub fn prefer(&self, preference: Preference) {
        let mut pending = self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.preference = preference;
        pending.retry = preference != Preference::Processor;
        self.shared.arrived.notify_one();
    }

    /// Which device is to compute.
    pub fn preference(&self) -> Preference {
        self.shared.preference()
    }

    /// Chooses a graphics card by its name, or the best one; it is checked before it computes.
    pub fn choose_card(&self, name: Option<String>) {
        let mut pending = self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner);
        if pending.chosen_card != name {
            (pending.chosen_card, pending.card) = (name, None);
            pending.retry = pending.preference != Preference::Processor;
            self.shared.arrived.notify_one();
        }
    }

    /// The graphics card that was chosen.
    pub fn chosen_card(&self) -> Option<String> {
        self.shared.chosen_card()
    }

    /// Asks for another attempt at the graphics card after a failure.
    pub fn retry_card(&self) {
        self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner).retry = true;
        self.shared.arrived.notify_one();
    }

    /// How much memory the worker's cache takes, and how much it may.
    pub fn memory(&self) -> &MemoryBudget {
        &self.shared.budget
    }

    /// The next event, if there is one.
    pub fn poll(&self) -> Option<Event> {
        self.events.try_recv().ok()
    }
}

impl Drop for EngineHandle {
    fn drop(&mut self) {
        self.stop();
        // Under the lock: otherwise the worker could check before this store and wait after it.
        let _pending = self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner);
        self.shared.closed.store(true, Ordering::Release);
        self.shared.arrived.notify_one();
    }
}

impl WorkerEnd {
    /// Waits for the newest request, and leaves models to compare to [`Self::pair`]; `None` once the other end is gone.
    pub fn next(&self) -> Option<Request> {
        self.wait(|pending| pending.request.take())
    }

    /// Models to compare, if there are any.
    pub fn pair(&self) -> Option<ModelPair> {
        self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner).pair.take()
    }

    /// Waits for the newest request, models to compare or a lower budget; `None` once the other end is gone.
    pub fn work(&self) -> Option<Work> {
        self.wait(|pending| {
            let compare = pending.pair.take().map(Work::Compare);
            let work = compare.or_else(|| std::mem::take(&mut pending.trim).then_some(Work::Trim));
            let work = work.or_else(|| pending.card.take().map(Work::Card));
            let work = work.or_else(|| std::mem::take(&mut pending.retry).then_some(Work::Retry));
            work.or_else(|| pending.request.take().map(|request| Work::Render(Box::new(request))))
        })
    }

    /// Waits until `take` finds something.
    fn wait<T>(&self, take: impl Fn(&mut Pending) -> Option<T>) -> Option<T> {
        let mut pending = self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if self.shared.closed.load(Ordering::Acquire) {
                return None;
            }
            if let Some(found) = take(&mut pending) {
                return Some(found);
            }
            pending = self.shared.arrived.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The budget of the cache; the worker reports the bytes in use.
    pub fn budget(&self) -> Arc<MemoryBudget> {
        self.shared.budget.clone()
    }

    pub fn cancel_token(&self, request: &Request) -> CancelToken {
        CancelToken { shared: self.shared.clone(), generation: request.generation }
    }

    /// Which device is to compute.
    pub fn preference(&self) -> Preference {
        self.shared.preference()
    }

    /// The graphics card that was chosen.
    pub fn chosen_card(&self) -> Option<String> {
        self.shared.chosen_card()
    }

    /// The end for the thread that prepares the graphics card.
    pub fn card_host(&self) -> CardHost {
        CardHost { shared: self.shared.clone(), events: self.events.clone() }
    }

    /// Sends an event and wakes the other end. Once that is gone, events are dropped.
    pub fn send(&self, event: Event) {
        self.events.send(event);
    }
}

impl Host for CardHost {
    fn is_needed(&self) -> bool {
        !self.shared.closed.load(Ordering::Acquire) && self.shared.preference() != Preference::Processor
    }

    fn chosen_card(&self) -> Option<String> {
        self.shared.chosen_card()
    }

    fn report(&self, state: CardState) {
        self.events.send(Event::Card(state));
    }

    fn list(&self, names: Vec<String>) {
        self.events.send(Event::Cards(names));
    }

    fn hand_over(&self, card: ReadyCard) {
        self.shared.pending.lock().unwrap_or_else(PoisonError::into_inner).card = Some(card);
        self.shared.arrived.notify_one();
    }
}
