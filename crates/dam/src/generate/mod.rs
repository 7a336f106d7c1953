//! Pages made from the definition of the command line.

mod markdown;

pub(crate) use markdown::markdown_pages;

/// A page: a file name and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// File name, without a folder.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) text: String,
}

/// Makes a man page of each command: `dam.1`, `dam-install.1`, ….
pub(crate) fn man_pages(definition: clap::Command) -> Vec<Page> {
    let commands = commands(&definition).into_iter().map(|Named { name, command }| {
        let name = format!("dam-{}", name.replace(' ', "-"));
        command.clone().name(name.clone()).display_name(name)
    });
    let all: Vec<_> = std::iter::once(definition.clone()).chain(commands).collect();
    all.into_iter()
        .map(|command| {
            let name = format!("{}.1", command.get_name());
            let mut text = Vec::new();
            clap_mangen::Man::new(command).render(&mut text).expect("a Vec takes everything");
            Page { name, text: String::from_utf8(text).expect("pages are made of the definition's own text") }
        })
        .collect()
}

/// A command, and the words that call it, without `dam`: `engine build`.
struct Named<'a> {
    name: String,
    command: &'a clap::Command,
}

/// Lists all commands that people should know, each before those below it.
fn commands(definition: &clap::Command) -> Vec<Named<'_>> {
    let mut list = Vec::new();
    for command in visible(definition) {
        let name = command.get_name().to_owned();
        let below = commands(command).into_iter();
        let below = below.map(|Named { name: last, command }| Named { name: format!("{name} {last}"), command });
        let below: Vec<_> = below.collect();
        list.push(Named { name, command });
        list.extend(below);
    }
    list
}

/// Lists the commands right below one that people should know.
fn visible(definition: &clap::Command) -> impl Iterator<Item = &clap::Command> {
    definition.get_subcommands().filter(|command| !command.is_hide_set() && command.get_name() != "help")
}
