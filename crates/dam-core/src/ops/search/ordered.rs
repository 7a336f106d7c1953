//! Asks many things at once and hands the answers out in order.
//!
//! There are several lists. Each is asked for, and then each of its items is looked at; a list takes one request and an item
//! another, so the number of threads is the number of requests that are open. Answers are handed out list by list and item by
//! item, as soon as all before them are known.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// How many requests are open at a time, over all registries together.
pub(super) const OPEN: usize = 32;

/// How many items of a list are begun before the first of them is handed out: this bounds what is kept.
const AHEAD: usize = 4 * OPEN;

/// Asks for `lists` lists by `list` and looks at every item by `look`, several at a time; `each` gets the number of the list,
/// the item and what `look` said, in order, until it returns false.
pub(super) fn ordered<I: Send, A: Send>(
    lists: usize,
    list: impl Fn(usize) -> Vec<I> + Sync,
    look: impl Fn(usize, &I) -> A + Sync,
    mut each: impl FnMut(usize, I, A) -> bool,
) {
    let board = Board::new(lists);
    thread::scope(|scope| {
        for _ in 0..OPEN {
            scope.spawn(|| board.work(&list, &look));
        }
        while let Some((list, item, answer)) = board.next_answer() {
            if !each(list, item, answer) {
                board.stop();
            }
        }
    });
}

/// What is to be asked, and what is known.
struct Board<I, A> {
    state: Mutex<State<I, A>>,
    /// There is something to do for a thread that asks.
    work: Condvar,
    /// There may be something to hand out.
    answer: Condvar,
}

struct State<I, A> {
    lists: Vec<List<I, A>>,
    /// The list that is being handed out.
    current: usize,
    stopped: bool,
}

struct List<I, A> {
    asked: bool,
    known: bool,
    waiting: VecDeque<I>,
    /// Items that a thread has taken.
    begun: usize,
    /// Items that were handed out.
    shown: usize,
    done: BTreeMap<usize, (I, A)>,
}

/// What a thread does next.
enum Task<I> {
    List(usize),
    Look(usize, usize, I),
}

impl<I, A> Board<I, A> {
    fn new(lists: usize) -> Self {
        let list =
            || List { asked: false, known: false, waiting: VecDeque::new(), begun: 0, shown: 0, done: BTreeMap::new() };
        let lists = std::iter::repeat_with(list).take(lists).collect();
        Self {
            state: Mutex::new(State { lists, current: 0, stopped: false }),
            work: Condvar::new(),
            answer: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State<I, A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks until there is nothing left to ask.
    fn work(&self, list: &impl Fn(usize) -> Vec<I>, look: &impl Fn(usize, &I) -> A) {
        let _alarm = Alarm(self);
        while let Some(task) = self.next_task() {
            match task {
                Task::List(number) => {
                    let items = list(number);
                    let known = &mut self.state().lists[number];
                    known.waiting = items.into();
                    known.known = true;
                    self.work.notify_all();
                }
                Task::Look(number, place, item) => {
                    let answer = look(number, &item);
                    self.state().lists[number].done.insert(place, (item, answer));
                }
            }
            self.answer.notify_one();
        }
    }

    /// Waits for something to do; lists come first, for the items of all of them are asked for at once.
    fn next_task(&self) -> Option<Task<I>> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(number) = state.lists.iter().position(|list| !list.asked) {
                state.lists[number].asked = true;
                return Some(Task::List(number));
            }
            for (number, list) in state.lists.iter_mut().enumerate() {
                if list.begun - list.shown < AHEAD
                    && let Some(item) = list.waiting.pop_front()
                {
                    list.begun += 1;
                    return Some(Task::Look(number, list.begun - 1, item));
                }
            }
            if state.lists.iter().all(|list| list.known && list.waiting.is_empty()) {
                return None;
            }
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the answer that is to be handed out next.
    fn next_answer(&self) -> Option<(usize, I, A)> {
        let mut state = self.state();
        loop {
            let number = state.current;
            if state.stopped || number == state.lists.len() {
                return None;
            }
            let list = &mut state.lists[number];
            if let Some((item, answer)) = list.done.remove(&list.shown) {
                list.shown += 1;
                self.work.notify_one();
                return Some((number, item, answer));
            }
            if list.known && list.waiting.is_empty() && list.begun == list.shown {
                state.current += 1;
                continue;
            }
            state = self.answer.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Begins nothing any more.
    fn stop(&self) {
        self.state().stopped = true;
        self.work.notify_all();
        self.answer.notify_all();
    }
}

/// Stops the others when a thread panics: its answer would be waited for without end.
struct Alarm<'a, I, A>(&'a Board<I, A>);

impl<I, A> Drop for Alarm<'_, I, A> {
    fn drop(&mut self) {
        // The threads that wait for work learn here that there is none left, too.
        self.0.work.notify_all();
        if thread::panicking() {
            self.0.stop();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;
    use std::time::Duration;

    use super::{AHEAD, OPEN, ordered};

    /// Counts what is open at the same time, and the most ever.
    #[derive(Default)]
    struct Gauge(AtomicUsize, AtomicUsize);

    impl Gauge {
        fn during<T>(&self, what: impl FnOnce() -> T) -> T {
            let open = self.0.fetch_add(1, Ordering::SeqCst) + 1;
            self.1.fetch_max(open, Ordering::SeqCst);
            let done = what();
            self.0.fetch_sub(1, Ordering::SeqCst);
            done
        }
    }

    fn nap(key: usize) {
        thread::sleep(Duration::from_micros((key as u64 * 7919) % 900));
    }

    #[test]
    fn answers_come_in_order_and_not_too_many_are_asked_at_once() {
        let gauge = Gauge::default();
        let list = |number: usize| {
            gauge.during(|| {
                nap(number);
                (0..300).collect::<Vec<usize>>()
            })
        };
        let look = |number: usize, item: &usize| {
            gauge.during(|| {
                nap(item + number);
                item * 10 + number
            })
        };
        let mut answers = Vec::new();
        ordered(3, list, look, |number, item, answer| {
            answers.push((number, item, answer));
            true
        });
        let wanted: Vec<_> = (0..3).flat_map(|list| (0..300).map(move |item| (list, item, item * 10 + list))).collect();
        assert_eq!(answers, wanted);
        assert_eq!(gauge.1.into_inner(), OPEN);
    }

    #[test]
    fn a_slow_first_answer_bounds_what_is_kept() {
        let looked = AtomicUsize::new(0);
        let look = |_: usize, item: &usize| {
            if *item == 0 {
                thread::sleep(Duration::from_millis(200));
                return looked.load(Ordering::SeqCst);
            }
            looked.fetch_add(1, Ordering::SeqCst)
        };
        let mut first = None;
        ordered(
            1,
            |_| (0..10_000).collect(),
            look,
            |_, _, answer| {
                first.get_or_insert(answer);
                true
            },
        );
        assert_eq!(first, Some(AHEAD - 1));
    }

    #[test]
    fn a_list_that_comes_late_does_not_hold_the_others_up() {
        let looked = AtomicUsize::new(0);
        let list = |number| {
            if number == 0 {
                thread::sleep(Duration::from_millis(200));
                return vec![looked.load(Ordering::SeqCst)];
            }
            vec![7]
        };
        let look = |_: usize, _: &usize| looked.fetch_add(1, Ordering::SeqCst);
        let mut answers = Vec::new();
        ordered(2, list, look, |number, item, _| {
            answers.push((number, item));
            true
        });
        assert_eq!(answers, [(0, 1), (1, 7)], "the item of the second was looked at before the first list came");
    }

    #[test]
    fn it_ends_when_nobody_wants_more() {
        let looked = AtomicUsize::new(0);
        let look = |_: usize, _: &usize| looked.fetch_add(1, Ordering::SeqCst);
        ordered(1, |_| (0..100_000).collect(), look, |_, _, _| false);
        assert!(looked.into_inner() <= AHEAD + 1);
        ordered(0, |_| Vec::<u8>::new(), |_, _| (), |_, _, ()| unreachable!("there are no lists"));
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_is_no_wait_without_end() {
        ordered(1, |_| vec![1, 2, 3], |_, item| assert!(*item != 2, "a bug"), |_, _, ()| true);
    }
}
