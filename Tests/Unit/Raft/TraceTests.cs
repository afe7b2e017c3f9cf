using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.Raft;

/// <summary>What members of a group do, step by step: each test runs the file of its name in <c>Traces/</c>.</summary>
public sealed class TraceTests
{
    [Fact]
    [Upstream("raft_test.go", "TestNRGSimple")]
    [Upstream("raft_test.go", "TestNRGSimpleElection")]
    [Upstream("raft_test.go", "TestNRGHeartbeatOnLeaderChange")]
    [Upstream("raft_test.go", "TestNRGReportLeaderAfterNoopEntry")]
    public void Election() => TraceFile.Run(nameof(Election));

    [Fact]
    [Upstream("raft_test.go", "TestNRGSingleNodeElection")]
    [Upstream("raft_test.go", "TestNRGInitSingleMemRaftNodeDefaults")]
    public void SingleMember() => TraceFile.Run(nameof(SingleMember));

    [Fact]
    public void CallForAMember() => TraceFile.Run(nameof(CallForAMember));

    [Fact]
    public void LeaderHasEnded() => TraceFile.Run(nameof(LeaderHasEnded));

    [Fact]
    [Upstream("raft_test.go", "TestNRGObserverMode")]
    [Upstream("raft_test.go", "TestNRGElectionTimerAfterObserver")]
    public void Observer() => TraceFile.Run(nameof(Observer));

    [Fact]
    [Upstream("raft_test.go", "TestNRGAEFromOldLeader")]
    [Upstream("raft_test.go", "TestNRGRejectNewAppendEntryFromPreviousLeader")]
    public void OlderLeader() => TraceFile.Run(nameof(OlderLeader));

    [Fact]
    [Upstream("raft_test.go", "TestNRGLeaderTransfer")]
    public void Transfer() => TraceFile.Run(nameof(Transfer));

    [Fact]
    [Upstream("raft_test.go", "TestNRGStepDownOnSameTermDoesntClearVote")]
    [Upstream("raft_test.go", "TestNRGMustNotResetVoteOnStepDownOrLeaderTransfer")]
    [Upstream("raft_test.go", "TestNRGSwitchStateClearsQueues")]
    [Upstream("raft_test.go", "TestNRGSendAppendEntryNotLeader")]
    [Upstream("raft_test.go", "TestNRGTermFencedProposals")]
    public void SteppingDown() => TraceFile.Run(nameof(SteppingDown));

    [Fact]
    [Upstream("raft_test.go", "TestNRGUnsuccessfulVoteRequestDoesntResetElectionTimer")]
    [Upstream("raft_test.go", "TestNRGUnsuccessfulVoteRequestCampaignEarly")]
    public void RefusedVotes() => TraceFile.Run(nameof(RefusedVotes));

    [Fact]
    [Upstream("raft_test.go", "TestNRGAssumeHighTermAfterCandidateIsolation")]
    [Upstream("raft_test.go", "TestNRGRecoverFromFollowingNoLeader")]
    [Upstream("raft_test.go", "TestNRGSwitchToCandidateResetsVote")]
    public void IsolatedCandidate() => TraceFile.Run(nameof(IsolatedCandidate));

    [Fact]
    [Upstream("raft_test.go", "TestNRGCandidateDoesntRevertTermAfterOldAE")]
    [Upstream("raft_test.go", "TestNRGCandidateDontStepdownDueToLeaderOfPreviousTerm")]
    public void CandidateHearsOldEntries() => TraceFile.Run(nameof(CandidateHearsOldEntries));

    [Fact]
    [Upstream("raft_test.go", "TestNRGTermDoesntRollBackToPtermOnCatchup")]
    [Upstream("raft_test.go", "TestNRGTermNoDecreaseAfterWALReset")]
    [Upstream("raft_test.go", "TestNRGStepdownWithHighestTermDuringCatchup")]
    public void TermInCatchUp() => TraceFile.Run(nameof(TermInCatchUp));

    [Fact]
    [Upstream("raft_test.go", "TestNRGNoResetOnAppendEntryResponse")]
    [Upstream("raft_test.go", "TestNRGProcessAppendEntryResponseTermRace")]
    [Upstream("raft_test.go", "TestNRGMalformedAppendEntryResponse")]
    public void HigherTermInAnswer() => TraceFile.Run(nameof(HigherTermInAnswer));

    [Fact]
    [Upstream("raft_test.go", "TestNRGInlineStepdown")]
    [Upstream("raft_test.go", "TestNRGRemoveLeaderPeerDeadlockBug")]
    [Upstream("raft_test.go", "TestNRGProposeRemovePeerLeader")]
    public void RemovedLeader() => TraceFile.Run(nameof(RemovedLeader));

    [Fact]
    [Upstream("raft_test.go", "TestNRGWALEntryWithoutQuorumMustTruncate")]
    [Upstream("raft_test.go", "TestNRGPendingAppendEntryCacheInvalidation")]
    [Upstream("raft_test.go", "TestNRGTruncateWALClearsPendingAppendEntryCache")]
    [Upstream("raft_test.go", "TestNRGResetWALClearsPendingAppendEntryCache")]
    public void WithoutQuorum() => TraceFile.Run(nameof(WithoutQuorum));

    [Fact]
    [Upstream("raft_test.go", "TestNRGTruncateWALRevertsUncommittedAddPeer")]
    [Upstream("raft_test.go", "TestNRGTruncateWALRevertsUncommittedRemovePeer")]
    [Upstream("raft_test.go", "TestNRGUncommittedMembershipChangeGetsTruncated")]
    public void RevertedChanges() => TraceFile.Run(nameof(RevertedChanges));

    [Fact]
    [Upstream("raft_test.go", "TestNRGCatchupDoesNotTruncateUncommittedEntriesWithQuorum")]
    [Upstream("raft_test.go", "TestNRGCatchupDoesNotTruncateCommittedEntriesDuringRedelivery")]
    [Upstream("raft_test.go", "TestNRGParallelCatchupRollback")]
    public void CatchUpKeepsQuorum() => TraceFile.Run(nameof(CatchUpKeepsQuorum));

    [Fact]
    [Upstream("raft_test.go", "TestNRGCatchupCanTruncateMultipleEntriesWithoutQuorum")]
    [Upstream("raft_test.go", "TestNRGCatchupFromNewLeaderWithIncorrectPterm")]
    [Upstream("raft_test.go", "TestNRGTruncateDownToCommitted")]
    public void CatchUpTruncates() => TraceFile.Run(nameof(CatchUpTruncates));

    [Fact]
    [Upstream("raft_test.go", "TestNRGIgnoreDoubleSnapshot")]
    [Upstream("raft_test.go", "TestNRGSizeAndApplied")]
    [Upstream("raft_test.go", "TestNRGProcessed")]
    [Upstream("raft_test.go", "TestNRGSnapshotAndTruncateToApplied")]
    [Upstream("raft_test.go", "TestNRGDontRemoveSnapshotIfTruncateToApplied")]
    [Upstream("raft_test.go", "TestNRGInstallSnapshotFromCheckpoint")]
    public void Snapshots() => TraceFile.Run(nameof(Snapshots));

    [Fact]
    [Upstream("raft_test.go", "TestNRGSnapshotAndRestart")]
    [Upstream("raft_test.go", "TestNRGSnapshotRecovery")]
    [Upstream("raft_test.go", "TestNRGReplayOnSnapshotSameTerm")]
    [Upstream("raft_test.go", "TestNRGDontRejectAppendEntryFromReplay")]
    [Upstream("raft_test.go", "TestNRGRecoverPindexPtermOnlyIfLogNotEmpty")]
    [Upstream("raft_test.go", "TestNRGApplyCommitDoesNotResetWALAtSnapshotBoundary")]
    public void SnapshotAndRestart() => TraceFile.Run(nameof(SnapshotAndRestart));

    [Fact]
    [Upstream("raft_test.go", "TestNRGReplayOnSnapshotDifferentTerm")]
    public void ReplayInAnotherTerm() => TraceFile.Run(nameof(ReplayInAnotherTerm));

    [Fact]
    [Upstream("raft_test.go", "TestNRGSnapshotCatchup")]
    [Upstream("raft_test.go", "TestNRGLeaderCatchupHandling")]
    [Upstream("raft_test.go", "TestNRGCatchupFromSnapshotClearsPendingAppendEntryCache")]
    [Upstream("raft_test.go", "TestNRGInstallSnapshotClearsPendingAppendEntryCache")]
    public void SnapshotCatchUp() => TraceFile.Run(nameof(SnapshotCatchUp));

    [Fact]
    [Upstream("raft_test.go", "TestNRGSimpleCatchup")]
    [Upstream("raft_test.go", "TestNRGCatchupDontCountTowardQuorum")]
    [Upstream("raft_test.go", "TestNRGCatchupRerequestDoesNotOrphanProgressQueue")]
    public void SimpleCatchUp() => TraceFile.Run(nameof(SimpleCatchUp));

    [Fact]
    [Upstream("raft_test.go", "TestNRGDontSwitchToCandidateWithInflightSnapshot")]
    [Upstream("raft_test.go", "TestNRGDontSwitchToCandidateWithMultipleInflightSnapshots")]
    public void InflightSnapshot() => TraceFile.Run(nameof(InflightSnapshot));

    [Fact]
    [Upstream("raft_test.go", "TestNRGCancelCatchupWhenDetectingHigherTermDuringVoteRequest")]
    [Upstream("raft_test.go", "TestNRGIgnoreEntryAfterCanceledCatchup")]
    public void HigherTermEndsCatchUp() => TraceFile.Run(nameof(HigherTermEndsCatchUp));

    [Fact]
    [Upstream("raft_test.go", "TestNRGForwardProposalResponse")]
    [Upstream("raft_test.go", "TestNRGIgnoreForwardedProposalIfNotCaughtUpLeader")]
    public void ForwardedProposals() => TraceFile.Run(nameof(ForwardedProposals));

    [Fact]
    [Upstream("raft_test.go", "TestNRGHealthCheckWaitForCatchup")]
    [Upstream("raft_test.go", "TestNRGHealthCheckWaitForDoubleCatchup")]
    [Upstream("raft_test.go", "TestNRGHealthCheckWaitForPendingCommitsWhenPaused")]
    [Upstream("raft_test.go", "TestNRGTrackPeerActive")]
    public void Health() => TraceFile.Run(nameof(Health));

    [Fact]
    [Upstream("raft_test.go", "TestNRGQuorumAccounting")]
    [Upstream("raft_test.go", "TestNRGRevalidateQuorumAfterLeaderChange")]
    [Upstream("raft_test.go", "TestNRGAppendEntryCanEstablishQuorumAfterLeaderChange")]
    [Upstream("raft_test.go", "TestNRGOnlyCommitIfCurrentTerm")]
    [Upstream("raft_test.go", "TestNRGIgnoreTrackResponseWhenNotLeader")]
    public void Quorum() => TraceFile.Run(nameof(Quorum));

    [Fact]
    [Upstream("raft_test.go", "TestNRGSignalLeadChangeFalseIfCampaignImmediately")]
    public void Preferred() => TraceFile.Run(nameof(Preferred));

    [Fact]
    public void LateMembers() => TraceFile.Run(nameof(LateMembers));

    [Fact]
    public void VoteGivenAgain() => TraceFile.Run(nameof(VoteGivenAgain));

    [Fact]
    [Upstream("raft_test.go", "TestNRGRejectAppendEntryDuringCatchupFromPreviousLeader")]
    [Upstream("raft_test.go", "TestNRGNewEntriesFromOldLeaderResetsWALDuringCatchup")]
    [Upstream("raft_test.go", "TestNRGDelayedMessagesAfterCatchupDontCountTowardQuorum")]
    public void OldLeaderInCatchUp() => TraceFile.Run(nameof(OldLeaderInCatchUp));

    [Fact]
    [Upstream("raft_test.go", "TestNRGInitializeAndScaleUp")]
    public void ScaleUp() => TraceFile.Run(nameof(ScaleUp));

    [Fact]
    public void EmptyVotes() => TraceFile.Run(nameof(EmptyVotes));

    [Fact]
    public void LateVotes() => TraceFile.Run(nameof(LateVotes));

    [Fact]
    public void TrustRegained() => TraceFile.Run(nameof(TrustRegained));

    [Fact]
    public void DamagedLog() => TraceFile.Run(nameof(DamagedLog));

    [Fact]
    [Upstream("raft_test.go", "TestNRGDrainAndReplaySnapshot")]
    public void DrainAndReplay() => TraceFile.Run(nameof(DrainAndReplay));

    [Fact]
    [Upstream("raft_test.go", "TestNRGLostQuorum")]
    [Upstream("raft_test.go", "TestNRGQuorumAfterLeaderStepdown")]
    public void LostQuorum() => TraceFile.Run(nameof(LostQuorum));

    [Fact]
    [Upstream("raft_test.go", "TestNRGNoLogResetOnCorruptedSendToFollower")]
    [Upstream("raft_test.go", "TestNRGMultipleStopsDontPanic")]
    public void BadFrames() => TraceFile.Run(nameof(BadFrames));

    [Fact]
    [Upstream("raft_test.go", "TestNRGProposeRemovePeer")]
    [Upstream("raft_test.go", "TestNRGProposeRemovePeerNonExistent")]
    [Upstream("raft_test.go", "TestNRGProposeRemovePeerConcurrent")]
    [Upstream("raft_test.go", "TestNRGProposeRemovePeerQuorum")]
    [Upstream("raft_test.go", "TestNRGProposeRemovePeerAll")]
    public void RemovePeer() => TraceFile.Run(nameof(RemovePeer));

    [Fact]
    [Upstream("raft_test.go", "TestNRGUncommittedMembershipChangeOnNewLeader")]
    public void InheritedChange() => TraceFile.Run(nameof(InheritedChange));

    [Fact]
    [Upstream("raft_test.go", "TestNRGLeaderResurrectsRemovedPeers")]
    public void RemovedStaysRemoved() => TraceFile.Run(nameof(RemovedStaysRemoved));

    [Fact]
    public void RemovalIsRecalled() => TraceFile.Run(nameof(RemovalIsRecalled));

    [Fact]
    public void RemovalOutlivesTheLog() => TraceFile.Run(nameof(RemovalOutlivesTheLog));

    [Fact]
    [Upstream("raft_test.go", "TestNRGAppendEntryResurrectsLeader")]
    public void RemovedLeaderIsHeard() => TraceFile.Run(nameof(RemovedLeaderIsHeard));

    [Fact]
    [Upstream("raft_test.go", "TestNRGForwardedRemovePeerProposalNonExistent")]
    [Upstream("raft_test.go", "TestNRGUncommittedMembershipChangeOnNewLeaderForwardedRemovePeerProposal")]
    public void ForwardedRemovals() => TraceFile.Run(nameof(ForwardedRemovals));

    [Fact]
    [Upstream("raft_test.go", "TestNRGAddPeers")]
    public void AddPeers() => TraceFile.Run(nameof(AddPeers));

    [Fact]
    [Upstream("raft_test.go", "TestNRGDisjointMajorities")]
    public void DisjointMajorities() => TraceFile.Run(nameof(DisjointMajorities));

    [Fact]
    [Upstream("raft_test.go", "TestNRGBootstrapExpectedClusterSize")]
    public void FormingGroup() => TraceFile.Run(nameof(FormingGroup));

    [Fact]
    [Upstream("raft_test.go", "TestNRGReplayAddPeerKeepsClusterSize")]
    public void AdjustedSize() => TraceFile.Run(nameof(AdjustedSize));

    [Fact]
    [Upstream("raft_test.go", "TestNRGDontSwitchToCandidateWithInflightSelfMembershipChange")]
    public void SelfChange() => TraceFile.Run(nameof(SelfChange));

    [Fact]
    [Upstream("raft_test.go", "TestNRGSnapshotExcludesUncommittedMembershipChange")]
    public void SnapshotMembers() => TraceFile.Run(nameof(SnapshotMembers));

    [Fact]
    [Upstream("raft_test.go", "TestNRGInstallSnapshotForce")]
    [Upstream("raft_test.go", "TestNRGSnapshotCheckpointNodeClosed")]
    [Upstream("raft_test.go", "TestNRGInstallSnapshotFromCheckpointAfterTruncateToSnapshot")]
    public void SavingSnapshots() => TraceFile.Run(nameof(SavingSnapshots));

    [Fact]
    [Upstream("raft_test.go", "TestNRGTrackPeerLag")]
    [Upstream("raft_test.go", "TestNRGPeersResponse")]
    public void Lag() => TraceFile.Run(nameof(Lag));

    [Fact]
    [Upstream("raft_test.go", "TestNRGLeaderStepsDownIfOverrun")]
    [Upstream("raft_test.go", "TestNRGFollowerPausesQuorumIfOverrun")]
    [Upstream("raft_test.go", "TestNRGSwitchToCandidateResetsQuorumPaused")]
    [Upstream("raft_test.go", "TestNRGPausingQuorumCancelsCatchup")]
    public void Overrun() => TraceFile.Run(nameof(Overrun));

    [Fact]
    [Upstream("raft_test.go", "TestNRGProcessAppendEntryTermMismatchDoesNotRegressCommit")]
    public void CommittedContradiction() => TraceFile.Run(nameof(CommittedContradiction));

    [Fact]
    public void LateEntries() => TraceFile.Run(nameof(LateEntries));

    [Fact]
    [Upstream("raft_test.go", "TestNRGDoesntRequestVoteOnWriteError")]
    public void DurableAnswers() => TraceFile.Run(nameof(DurableAnswers));

    [Fact]
    public void LeaderCountsItsDisk() => TraceFile.Run(nameof(LeaderCountsItsDisk));

    [Fact]
    public void UncommittedAfterCrash() => TraceFile.Run(nameof(UncommittedAfterCrash));

    [Fact]
    public void SendSnapshot() => TraceFile.Run(nameof(SendSnapshot));

    [Fact]
    public void SetPeers() => TraceFile.Run(nameof(SetPeers));

    [Fact]
    public void SetPeersOverAChange() => TraceFile.Run(nameof(SetPeersOverAChange));

    [Fact]
    public void SetPeersThenTruncated() => TraceFile.Run(nameof(SetPeersThenTruncated));

    [Fact]
    public void OlderPeersAfterRestart() => TraceFile.Run(nameof(OlderPeersAfterRestart));

    [Fact]
    public void WindowOfCatchUps() => TraceFile.Run(nameof(WindowOfCatchUps));

    [Fact]
    [Upstream("raft_test.go", "TestNRGPartitionedPeerRemove")]
    public void PartitionedRemoval() => TraceFile.Run(nameof(PartitionedRemoval));

    [Fact]
    [Upstream("raft_test.go", "TestNRGPeerAddAndPartitionLeader")]
    public void AddedWhileCut() => TraceFile.Run(nameof(AddedWhileCut));

    [Fact]
    [Upstream("raft_test.go", "TestNRGLeaderWithoutQuorumAfterPeerAdd")]
    public void HalfAfterAddition() => TraceFile.Run(nameof(HalfAfterAddition));

    [Fact]
    [Upstream("raft_test.go", "TestNRGRemovedPeerVoteDoesNotElectLeader")]
    public void VoteOfRemoved() => TraceFile.Run(nameof(VoteOfRemoved));

    [Fact]
    public void SizeOfForeignLeaders() => TraceFile.Run(nameof(SizeOfForeignLeaders));

    [Fact]
    public void ImpossibleTerms() => TraceFile.Run(nameof(ImpossibleTerms));

    [Fact]
    public void Every_file_has_its_test() =>
        TraceFile.Names().Order().ShouldBe(typeof(TraceTests).GetMethods().Select(method => method.Name).Intersect(TraceFile.Names()).Order());
}
