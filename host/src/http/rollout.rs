//! Rollouts: which version answers which case, and the switches that stop one.

use axum::extract::{Request, State};
use axum::handler::Handler;
use schemars::JsonSchema;

use super::answer::Json;
use super::app::Shared;
use super::body;
use super::caller::{Caller, Params, Queried};
use super::finish::finish;
use super::problem::{Code, Refused};
use super::routes::{Endpoint, RequestBody};
use crate::service::Principal;
use crate::service::rollout::{
    ActivateRequest, CanaryRequest, KillRequest, PauseRequest, ProposalView, ProposalWord, RollbackRequest, RolloutQuery, RolloutView,
    ShadowRequest, StepAnswer, WindowRemoval, WindowRequest,
};

pub(super) fn endpoints() -> Vec<Endpoint> {
    vec![
        Endpoint::get("/v1/merchants/{merchant}/rollout", "getRollouts", all)
            .tag("rollout")
            .summary("What answers which case, of every kind")
            .answer::<RolloutView>("The rollouts and the kill switches that are thrown"),
        Endpoint::get("/v1/merchants/{merchant}/policies/{policy}/rollout", "getRollout", one)
            .tag("rollout")
            .summary("The rollouts that a policy has a place in")
            .describe("With what its shadows said beside what was decided: agreement, flips, money before and after, faults, fuel.")
            .query::<RolloutQuery>()
            .errors(&[Code::Invalid])
            .answer::<RolloutView>("The rollouts and the kill switches on it"),
        step::<ActivateRequest, _, _>("/v1/merchants/{merchant}/policies/{policy}/rollout/activate", "activateVersion", activate)
            .summary("Make a version the active one")
            .describe(
                "It answers every case from the next event on that nothing else answers. Cases that are open keep the version of their \
                 first decision; the new one runs beside, and the better answer for the consumer stands. The version before is the way \
                 back. The same again changes nothing.",
            ),
        step::<CanaryRequest, _, _>("/v1/merchants/{merchant}/policies/{policy}/rollout/canary", "canaryVersion", canary)
            .summary("Let a version answer a share of the customers")
            .describe(
                "Customers are divided by a keyed hash of their reference (of the ticket where there is none): a growing share keeps those \
                 who were in. 0 is nobody, 10 000 everybody.",
            ),
        step::<ShadowRequest, _, _>("/v1/merchants/{merchant}/policies/{policy}/rollout/shadow", "shadowVersion", shadow)
            .summary("Let a version run beside, unanswered")
            .describe("What it says is compared with what was decided, and counts nothing. At most two of a kind."),
        step::<RollbackRequest, _, _>("/v1/merchants/{merchant}/policies/{policy}/rollout/rollback", "rollBack", roll_back)
            .summary("Take back what was rolled out last, or go back to any earlier version")
            .describe(
                "The canary is taken back if there is one, else the active version. What is taken back runs for nobody any more, also not \
                 for cases that it opened, until a person activates it again.",
            ),
        step::<WindowRequest, _, _>("/v1/merchants/{merchant}/policies/{policy}/rollout/windows", "addWindow", add_window)
            .summary("Let a version answer at a time of its own, such as a sales day")
            .describe("By the event's time on the merchant's clock. It goes before the canary and the active version; windows do not overlap."),
        step::<WindowRemoval, _, _>("/v1/merchants/{merchant}/policies/{policy}/rollout/windows/remove", "removeWindow", remove_window)
            .summary("Remove windows of a version"),
        step::<PauseRequest, _, _>("/v1/merchants/{merchant}/policies/{policy}/rollout/pause", "pausePolicy", pause_policy)
            .summary("Throw the kill switch of a policy or of one version")
            .describe("It does not run from the next event on: what else may run answers, or the kind's fallback with the fault `paused`."),
        step::<PauseRequest, _, _>("/v1/merchants/{merchant}/policies/{policy}/rollout/resume", "resumePolicy", resume_policy)
            .summary("Take the kill switch of a policy or version back"),
        step::<KillRequest, _, _>("/v1/merchants/{merchant}/rollout/pause", "pause", pause)
            .summary("Throw the kill switch of a kind or of the whole merchant")
            .describe("The kind's fallback stands from the next event on, with the fault `paused`. What the operator paused only the operator resumes."),
        step::<KillRequest, _, _>("/v1/merchants/{merchant}/rollout/resume", "resume", resume)
            .summary("Take the kill switch of a kind or of the whole merchant back"),
        Endpoint::get("/v1/merchants/{merchant}/rollout/proposals", "listProposals", proposals)
            .tag("rollout")
            .summary("Moves that wait for a second person")
            .answer::<Vec<ProposalView>>("The proposals, oldest first; each waits for seven days"),
        step::<ProposalWord, _, _>("/v1/merchants/{merchant}/rollout/proposals/{proposal}/approve", "approveProposal", approve)
            .summary("Approve a move as a second person: it is carried out now")
            .describe("Another person than who proposed it, by the labels of the keys."),
        step::<ProposalWord, _, _>("/v1/merchants/{merchant}/rollout/proposals/{proposal}/withdraw", "withdrawProposal", withdraw)
            .summary("Withdraw a move that waits"),
        step::<ProposalWord, _, _>("/v1/merchants/{merchant}/rollout/approvals/off", "proposeOnePerson", one_person)
            .summary("Propose that one person be enough from then on")
            .describe("`approvals` of the configuration asks for two; to give that up takes two."),
    ]
}

/// A route that moves a rollout.
fn step<R: JsonSchema, H, T>(path: &'static str, id: &'static str, handler: H) -> Endpoint
where
    H: Handler<T, Shared>,
    T: 'static,
{
    Endpoint::post(path, id, handler)
        .tag("rollout")
        .body(RequestBody::of::<R>())
        .answer::<StepAnswer>("The rollout as it is now, and whether the step changed it")
        .errors(&[Code::Malformed, Code::MediaType, Code::Invalid, Code::Conflict])
}

async fn all(State(app): State<Shared>, Caller(who): Caller, Params(merchant): Params<String>) -> Result<Json<RolloutView>, Refused> {
    app.service.looked_at_configuration(&who, &merchant).await?;
    Ok(Json(app.service.rollout(&who, &merchant, None, &RolloutQuery::default())?))
}

async fn one(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params((merchant, policy)): Params<(String, String)>,
    Queried(query): Queried<RolloutQuery>,
) -> Result<Json<RolloutView>, Refused> {
    app.service.looked_at_configuration(&who, &merchant).await?;
    Ok(Json(app.service.rollout(&who, &merchant, Some(&policy), &query)?))
}

/// Handlers of a policy's steps: each reads its request and calls the service.
macro_rules! of_a_policy {
    ($($name:ident($request:ty) => $call:ident($($more:expr)?);)+) => {$(
        async fn $name(
            State(app): State<Shared>,
            Caller(who): Caller,
            Params((merchant, policy)): Params<(String, String)>,
            request: Request,
        ) -> Result<Json<StepAnswer>, Refused> {
            let asked: $request = body::json(&app, request).await?;
            let done = finish(async move { app.service.$call(&who, &merchant, &policy, asked $(, $more)?).await });
            Ok(Json(done.await?))
        }
    )+};
}

of_a_policy! {
    activate(ActivateRequest) => activate();
    canary(CanaryRequest) => canary();
    shadow(ShadowRequest) => shadow();
    roll_back(RollbackRequest) => roll_back();
    add_window(WindowRequest) => add_window();
    remove_window(WindowRemoval) => remove_window();
    pause_policy(PauseRequest) => pause_policy(true);
    resume_policy(PauseRequest) => pause_policy(false);
    approve(ProposalWord) => approve();
    withdraw(ProposalWord) => withdraw();
}

async fn proposals(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
) -> Result<Json<Vec<ProposalView>>, Refused> {
    app.service.looked_at_configuration(&who, &merchant).await?;
    Ok(Json(app.service.proposals(&who, &merchant)?))
}

async fn one_person(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<Json<StepAnswer>, Refused> {
    let word: ProposalWord = body::json(&app, request).await?;
    let done = finish(async move { app.service.ask_one_person(&who, &merchant, word).await });
    Ok(Json(done.await?))
}

async fn pause(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<Json<StepAnswer>, Refused> {
    switch(app, who, merchant, request, true).await
}

async fn resume(
    State(app): State<Shared>,
    Caller(who): Caller,
    Params(merchant): Params<String>,
    request: Request,
) -> Result<Json<StepAnswer>, Refused> {
    switch(app, who, merchant, request, false).await
}

async fn switch(app: Shared, who: Principal, merchant: String, request: Request, on: bool) -> Result<Json<StepAnswer>, Refused> {
    let asked: KillRequest = body::json(&app, request).await?;
    let done = finish(async move { app.service.pause_kind(&who, &merchant, asked, on).await });
    Ok(Json(done.await?))
}

body::posted_json! { ActivateRequest { version: Bound::Id, kind: Bound::Id, reason: Bound::Scalars(2000) } }
body::posted_json! { CanaryRequest { version: Bound::Id, share_bp: Bound::Whole(0, 10_000), kind: Bound::Id, reason: Bound::Scalars(2000) } }
body::posted_json! { ShadowRequest { version: Bound::Id, on: Bound::Free, kind: Bound::Id, reason: Bound::Scalars(2000) } }
body::posted_json! { RollbackRequest { to: Bound::Id, to_policy: Bound::Id, kind: Bound::Id, reason: Bound::Scalars(2000) } }
body::posted_json! { WindowRequest { version: Bound::Id, from: Bound::Id, to: Bound::Id, kind: Bound::Id, reason: Bound::Scalars(2000) } }
body::posted_json! { WindowRemoval { version: Bound::Id, from: Bound::Id, kind: Bound::Id, reason: Bound::Scalars(2000) } }
body::posted_json! { PauseRequest { version: Bound::Id, reason: Bound::Scalars(2000) } }
body::posted_json! { ProposalWord { reason: Bound::Scalars(2000) } }
body::posted_json! { KillRequest { kind: Bound::Id, reason: Bound::Scalars(2000) } }
