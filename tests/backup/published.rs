//! What a restored backup is held against.

use super::Place;
use ombud_tests::command::path;

/// Whoever names a place wants it to be looked at: one without a checkpoint is a wrong one.
#[test]
fn a_place_without_a_published_checkpoint_is_refused() {
    let place = Place::new();
    place.backup("b", &[]).exits(0);
    std::fs::create_dir_all(place.at("empty/checkpoints")).unwrap();
    for named in ["empty", "empty/checkpoints"] {
        let refused = place.restore("b", "restored", &["--published", path(&place.at(named))]);
        refused.exits(2).complains(&format!("`{}` holds no published checkpoint", place.at(named).display()));
        assert!(!place.at("restored").exists(), "{named}");
    }
    let one = place.data().join("checkpoints/m-fresh");
    place.restore("b", "by-one", &["--published", path(&one)]).exits(0).says(&format!("1 of them from `{}`", one.display()));
    place.restore("b", "by-none", &[]).exits(0).says("those in the backup itself, none that was kept elsewhere");
    let told = place.restore("b", "told", &["--json", "--published", path(&one), "--published", path(&place.data())]).exits(0).json();
    assert_eq!(told["published"][0]["logs"], 1);
    assert_eq!(told["published"][1]["logs"], told["compared"], "{told}");
}
