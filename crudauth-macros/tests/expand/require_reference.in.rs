#[require(verified, Staff)] fn wipe(team: &mut Team, by: &Principal<Auth>) {}
