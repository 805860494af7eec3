//! The faults that wait for their request.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use super::fault::Fault;
use crate::route::Route;

/// The faults that are set, by route.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    queues: Mutex<HashMap<Route, Queue>>,
}

#[derive(Debug, Default)]
struct Queue {
    next: VecDeque<Fault>,
    forever: Option<Fault>,
}

impl Queue {
    fn take(&mut self) -> Option<Fault> {
        self.next.pop_front().or_else(|| self.forever.clone())
    }

    fn peek(&self) -> Option<&Fault> {
        self.next.front().or(self.forever.as_ref())
    }
}

impl Faults {
    /// Replaces the faults of a route: `next` are used up one by one, then `forever` applies.
    pub(crate) fn set(&self, route: Route, next: VecDeque<Fault>, forever: Option<Fault>) {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        queues.insert(route, Queue { next, forever });
    }

    /// Takes the route's next fault if it is one that answers before the body is read.
    pub(crate) fn take_early(&self, route: Route) -> Option<Fault> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues.get_mut(&route)?;
        match queue.peek() {
            Some(Fault::CloseEarly(_)) => queue.take(),
            _ => None,
        }
    }

    /// Takes the next fault for a request.
    pub(crate) fn take(&self, route: Route, rpc_method: Option<&str>) -> Option<Fault> {
        let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        let by_method = queues
            .iter_mut()
            .find(|(key, _)| matches!(key, Route::Rpc(method) if Some(*method) == rpc_method))
            .and_then(|(_, queue)| queue.take());
        by_method.or_else(|| queues.get_mut(&route)?.take())
    }
}
