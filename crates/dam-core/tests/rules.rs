//! Which changes are allowed, and the steps they take.

use dam_core::app::{App, HookName, Release};
use dam_core::ledger::{AppState, Installed, Source, Timestamp};
use dam_core::plan::{self, Downgrade, Plan, RuleFault, Side, Step};
use dam_core::testing::release;

/// Describes a release for a test: `app("shop:1.0").family("web")`.
struct Given(Release);

fn app(id: &str) -> Given {
    Given(release(id))
}

impl Given {
    fn family(mut self, family: &str) -> Self {
        self.0.app.family = family.parse().expect("a family");
        self
    }

    fn multiversion(mut self) -> Self {
        self.0.app.multiversion = true;
        self
    }

    fn hook(mut self, hook: HookName) -> Self {
        self.0.app.hooks.push(hook);
        self
    }

    fn server(mut self, reference: &str) -> Self {
        self.0.app.more_references.push(reference.parse().expect("a reference"));
        self
    }
}

fn installed(apps: impl IntoIterator<Item = Given>) -> Vec<Installed> {
    let put = |Given(release): Given| Installed {
        release,
        source: Source::Store,
        installed_at: Timestamp(0),
        state: AppState::Ok,
        previous: None,
    };
    apps.into_iter().map(put).collect()
}

fn install(machine: &[Installed], new: Given) -> Result<Plan, RuleFault> {
    plan::install(machine, new.0, Source::Store, true)
}

fn upgrade(machine: &[Installed], new: Given) -> Result<Plan, RuleFault> {
    plan::upgrade(machine, new.0, Source::Store, true, None, Downgrade::Refuse)
}

fn steps(plan: &Plan) -> Vec<String> {
    let say = |step: &Step| match step {
        Step::Load { .. } => "load".to_owned(),
        Step::Tag { reference, take: true } => format!("tag {reference}"),
        Step::Tag { reference, take: false } => format!("tag {reference} if free"),
        Step::Run { side: Side::Old, hook } => format!("old {hook}"),
        Step::Run { side: Side::New, hook } => format!("new {hook}"),
        Step::Drop => "drop".to_owned(),
    };
    plan.steps.iter().map(say).collect()
}

fn refusal(result: Result<Plan, RuleFault>) -> String {
    result.expect_err("this should be refused").to_string()
}

#[test]
fn an_install_loads_and_checks_before_it_touches_anything() {
    let new = app("shop:1").hook(HookName::Check).hook(HookName::Health).server("plant:5000/shop:1");
    let plan = install(&[], new).expect("allowed");
    assert_eq!(steps(&plan), ["load", "tag plant:5000/shop:1 if free", "new check", "new install", "new health"]);
    assert_eq!(plan.title(), "install of shop 1");
}

#[test]
fn an_image_that_is_in_the_store_is_not_loaded() {
    let plan = plan::install(&[], app("shop:1").0, Source::Store, false).expect("allowed");
    assert_eq!(steps(&plan), ["tag shop:1", "new install"]);
}

#[test]
fn the_same_release_is_installed_once() {
    let machine = installed([app("shop:1")]);
    assert_eq!(refusal(install(&machine, app("shop:1"))), "shop:1 is already installed");
    let mut other = app("shop:1");
    other.0.meta = release("other:1").meta;
    assert_eq!(refusal(install(&machine, other)), "shop:1 is already installed, with another image");
}

#[test]
fn a_second_version_needs_leave_from_both_sides() {
    let wanted = "shop:1 is installed; a second version needs an app that allows it (multiversion)";
    assert_eq!(refusal(install(&installed([app("shop:1")]), app("shop:2"))), wanted);
    assert_eq!(refusal(install(&installed([app("shop:1")]), app("shop:2").multiversion())), wanted);
    assert_eq!(refusal(install(&installed([app("shop:1").multiversion()]), app("shop:2"))), wanted);
    assert!(install(&installed([app("shop:1").multiversion()]), app("shop:2").multiversion()).is_ok());
}

#[test]
fn a_family_excludes_unless_both_sides_allow_company() {
    let machine = installed([app("nginx:1").family("web")]);
    let wanted = "nginx:1 is installed and belongs to the same family, `web`, as caddy:1";
    assert_eq!(refusal(install(&machine, app("caddy:1").family("web"))), wanted);
    assert_eq!(refusal(install(&machine, app("caddy:1").family("web").multiversion())), wanted);
    assert!(install(&machine, app("caddy:1").family("proxy")).is_ok());
    let open = installed([app("nginx:1").family("web").multiversion()]);
    assert!(install(&open, app("caddy:1").family("web").multiversion()).is_ok());
}

#[test]
fn an_upgrade_stops_the_old_last_and_only_then_starts_the_new() {
    let machine = installed([app("shop:1.9")]);
    let plan = upgrade(&machine, app("shop:1.10").hook(HookName::Check).hook(HookName::Health)).expect("allowed");
    assert_eq!(steps(&plan), ["load", "new check", "old uninstall", "new install", "new health"]);
    assert_eq!(plan.title(), "upgrade of shop 1.9 to 1.10");
}

#[test]
fn an_upgrade_hook_replaces_uninstall_and_install() {
    let plan = upgrade(&installed([app("shop:1")]), app("shop:2").hook(HookName::Upgrade)).expect("allowed");
    assert_eq!(steps(&plan), ["load", "new upgrade"]);
}

#[test]
fn an_upgrade_needs_something_older() {
    assert_eq!(refusal(upgrade(&[], app("shop:2"))), "shop is not installed, so there is nothing to upgrade");
    let machine = installed([app("shop:2")]);
    assert_eq!(refusal(upgrade(&machine, app("shop:2"))), "shop:2 is already installed");
    assert_eq!(refusal(upgrade(&machine, app("shop:1"))), "shop:1 is older than shop:2");
    assert!(plan::upgrade(&machine, app("shop:1").0, Source::Store, true, None, Downgrade::Allow).is_ok());
    let several = installed([app("shop:1").multiversion(), app("shop:2").multiversion()]);
    assert_eq!(refusal(upgrade(&several, app("shop:3"))), "several versions of shop are installed: shop:1, shop:2");
}

#[test]
fn the_same_version_built_anew_is_an_upgrade() {
    let mut again = app("shop:1");
    again.0.diff_ids = release("other:1").diff_ids;
    assert!(upgrade(&installed([app("shop:1")]), again).is_ok());
}

#[test]
fn an_upgrade_may_not_join_a_taken_family() {
    let machine = installed([app("shop:1"), app("nginx:1").family("web")]);
    let wanted = "nginx:1 is installed and belongs to the same family, `web`, as shop:2";
    assert_eq!(refusal(upgrade(&machine, app("shop:2").family("web"))), wanted);
}

#[test]
fn a_rollback_goes_to_what_was_replaced() {
    let mut machine = installed([app("shop:2")]);
    assert_eq!(refusal(plan::rollback(&machine, &machine[0])), "shop:2 has no earlier version to go back to");
    machine[0].previous = Some(app("shop:1").hook(HookName::Upgrade).0);
    let plan = plan::rollback(&machine, &machine[0]).expect("allowed");
    // The `upgrade` hook of the older version knows nothing of the newer one.
    assert_eq!(steps(&plan), ["tag shop:1", "old uninstall", "new install"]);
    assert_eq!(plan.title(), "rollback of shop 2 to 1");
}

#[test]
fn a_removal_drops_the_image_unless_told() {
    let machine = installed([app("shop:1")]);
    assert_eq!(steps(&plan::remove(&machine[0], true)), ["old uninstall", "drop"]);
    assert_eq!(steps(&plan::remove(&machine[0], false)), ["old uninstall"]);
}

#[test]
fn an_installed_app_is_found_by_name_by_version_and_by_reference() {
    let mut machine = installed([app("shop:1").multiversion(), app("shop:2").multiversion(), app("greeter:1")]);
    let App { reference, .. } = &mut machine[2].release.app;
    *reference = "plant:5000/greeter:1".parse().expect("a reference");
    let found = |text: &str| plan::find(&machine, text).map(|one| one.release.app.id.to_string());
    assert_eq!(found("shop:2"), Ok("shop:2".to_owned()));
    assert_eq!(found("greeter"), Ok("greeter:1".to_owned()));
    assert_eq!(found("plant:5000/greeter:1"), Ok("greeter:1".to_owned()));
    assert_eq!(found("nobody"), Err(RuleFault::NotInstalled("nobody".to_owned())));
    assert!(matches!(found("shop"), Err(RuleFault::Ambiguous { .. })));
}

#[test]
fn of_several_versions_the_one_that_is_named_is_replaced() {
    let several = || installed([app("shop:1").multiversion(), app("shop:2").multiversion()]);
    let upgrade = |new: &str, replace: Option<&str>| {
        let version = replace.map(|version| version.parse().expect("a version"));
        let new = app(new).multiversion().0;
        plan::upgrade(&several(), new, Source::Store, true, version.as_ref(), Downgrade::Refuse)
    };
    let title = |plan: Result<Plan, RuleFault>| plan.expect("allowed").title();
    assert_eq!(refusal(upgrade("shop:3", None)), "several versions of shop are installed: shop:1, shop:2");
    assert_eq!(title(upgrade("shop:3", Some("1"))), "upgrade of shop 1 to 3");
    assert_eq!(refusal(upgrade("shop:3", Some("7"))), "`shop:7` is not installed");
    assert_eq!(refusal(upgrade("shop:2", Some("1"))), "shop:2 is already installed, beside shop:1");
    assert_eq!(refusal(upgrade("shop:2", None)), "shop:2 is already installed");
    let rebuilt = Release { size: 7, meta: release("other:1").meta, ..app("shop:1").multiversion().0 };
    let rebuilt = plan::upgrade(&several(), rebuilt, Source::Store, true, None, Downgrade::Refuse);
    assert_eq!(title(rebuilt), "upgrade of shop 1 to 1");
    let alone = plan::upgrade(
        &several(),
        app("shop:3").0,
        Source::Store,
        true,
        Some(&"2".parse().expect("a version")),
        Downgrade::Refuse,
    );
    assert_eq!(refusal(alone), "shop:1 is installed; a second version needs an app that allows it (multiversion)");
}

#[test]
fn a_rollback_does_not_overwrite_a_version_that_is_installed_as_well() {
    let mut several = installed([app("shop:1").multiversion(), app("shop:2").multiversion()]);
    several[1].previous = Some(app("shop:1").multiversion().0);
    let current = plan::find(&several, "shop:2").expect("installed");
    assert_eq!(refusal(plan::rollback(&several, current)), "shop:1 is already installed, beside shop:2");
}
