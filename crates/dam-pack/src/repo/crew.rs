//! Work on all cores, whose results come in order.

use std::num::NonZero;
use std::sync::mpsc::sync_channel;
use std::thread;

/// Does `work` for each thing, several at a time, and hands over the results in order. The first error is returned, and ends
/// the work. Few results wait at a time, however many things there are.
pub(super) fn in_order<T: Sync, R: Send, E: Send>(
    things: &[T],
    work: impl Fn(&T) -> Result<R, E> + Sync,
    mut take: impl FnMut(R) -> Result<(), E>,
) -> Result<(), E> {
    let crew = thread::available_parallelism().map_or(1, NonZero::get).min(things.len());
    thread::scope(|scope| {
        let work = &work;
        let desks: Vec<_> = (0..crew)
            .map(|first| {
                let (sender, receiver) = sync_channel(1);
                scope.spawn(move || {
                    let own = things.iter().skip(first).step_by(crew);
                    // Nobody takes the results any more after an error.
                    own.map(work).try_for_each(|result| sender.send(result))
                });
                receiver
            })
            .collect();
        // Each does its own things in order, so that the next result is always at the next desk.
        for index in 0..things.len() {
            take(desks[index % crew].recv().expect("a thread that panics ends the program")?)?;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert_eq, proptest};

    use super::in_order;

    proptest! {
        #[test]
        fn everything_is_taken_in_order_up_to_an_error(things: Vec<u8>) {
            let mut taken = Vec::new();
            let work = |thing: &u8| if *thing < 200 { Ok(*thing) } else { Err(*thing) };
            let end = in_order(&things, work, |thing| { taken.push(thing); Ok(()) });
            let good: Vec<_> = things.iter().copied().take_while(|thing| *thing < 200).collect();
            prop_assert_eq!(end.err(), things.get(good.len()).copied());
            prop_assert_eq!(taken, good);
        }
    }
}
