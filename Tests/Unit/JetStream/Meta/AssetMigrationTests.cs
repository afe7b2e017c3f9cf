using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Replication;
using NatsAspire.Server.JetStream.Streams.Configuration;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>What leaders of assets do while these move.</summary>
public sealed class AssetMigrationTests
{
    private static readonly StreamAssignment Moving = Made.Stream("S", peers: ["a", "b", "c"]) with { Group = new RaftGroupAssignment { Name = "g", Peers = ["a", "b", "c", "x", "y", "z"] } };

    [Fact]
    public void Who_does_not_move_has_nothing_to_do() =>
        AssetMigration.Next(new AssignedStream(Made.Stream("S", peers: ["a", "b", "c"])), "a", "C1", _ => true).Step.ShouldBe(MigrationStep.Done);

    [Theory]
    [InlineData("", MigrationStep.Wait, null)]
    [InlineData("abc", MigrationStep.Wait, null)]
    [InlineData("x", MigrationStep.Wait, null)]
    [InlineData("xz", MigrationStep.HandOver, "x")]
    [InlineData("zy", MigrationStep.HandOver, "y")]
    public void The_old_leader_waits_for_a_majority_of_the_new_peers(string current, MigrationStep step, string? leader)
    {
        var next = AssetMigration.Next(new AssignedStream(Moving), "b", "C2", current.Contains);
        next.Step.ShouldBe(step);
        next.Leader.ShouldBe(leader);
        if (step == MigrationStep.HandOver) next.Peers.ShouldBe(["x", "y", "z"]);
    }

    [Fact]
    public void The_new_leader_waits_for_consumers_and_takes_the_old_peers_out()
    {
        var consumer = Made.Consumer("S", "C", peers: ["a", "b", "c", "x", "y", "z"]);
        var stream = new AssignedStream(Moving).With(new AssignedConsumer(consumer));
        AssetMigration.Next(stream, "y", "C2", _ => false).Step.ShouldBe(MigrationStep.Wait);
        AssetMigration.Next(consumer, Moving.Configuration, "a", "C2", _ => true).Step.ShouldBe(MigrationStep.HandOver);
        var moved = AssetMigration.Next(consumer, Moving.Configuration, "z", "C2", _ => false);
        moved.Step.ShouldBe(MigrationStep.Shrink);
        moved.Entry!.Operation.ShouldBe(EntryOperation.AssignConsumer);
        moved.Entry.Consumer!.Group.Peers.ShouldBe(["x", "y", "z"]);
        moved.Entry.Consumer.Group.Cluster.ShouldBe("C2");

        var next = AssetMigration.Next(stream.With(new AssignedConsumer(moved.Entry.Consumer)), "y", "C2", _ => false);
        next.Step.ShouldBe(MigrationStep.Shrink);
        next.Entry!.Operation.ShouldBe(EntryOperation.UpdateStream);
        next.Entry.Stream!.Group.ShouldBe(new RaftGroupAssignment { Name = "g", Peers = ["x", "y", "z"], Preferred = "y", Cluster = "C2" });
    }

    [Fact]
    public void A_consumer_that_nobody_here_understands_does_not_hold_its_stream_up()
    {
        var stream = new AssignedStream(Moving).With(new AssignedConsumer(Made.Unsupported(Made.Consumer("S", "C", peers: ["a"]))));
        AssetMigration.Next(stream, "x", "C2", _ => false).Step.ShouldBe(MigrationStep.Shrink);
    }

    [Fact]
    public void Bad_numbers_of_replicas_move_nothing()
    {
        var strange = Moving.WithConfiguration(new StreamConfiguration { Name = "S", Replicas = 0 });
        AssetMigration.Next(new AssignedStream(strange), "a", "C1", _ => true).Step.ShouldBe(MigrationStep.Done);
    }
}
