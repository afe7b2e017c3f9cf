using NatsAspire.Server.JetStream.Api.Json;
using NatsAspire.Server.JetStream.Api.Requests;
using NatsAspire.Server.JetStream.Consumers.Configuration;
using NatsAspire.Server.JetStream.Meta;
using NatsAspire.Server.JetStream.Meta.Assignments;
using NatsAspire.Server.JetStream.Streams.Configuration;
using NatsAspire.Server.Storage.Migration;

namespace NatsAspire.Tests.Unit.JetStream.Meta;

/// <summary>What comes while something else is under way: above all what leaders of streams and consumers want in the log.</summary>
public sealed class MetaLeaderForwardedTests
{
    private readonly LedMeta _meta = new(servers: ["n1", "n2", "n3", "n4", "n5"]);

    public MetaLeaderForwardedTests() => _meta.Create("S").CreateConsumer("S", "C");

    [Fact]
    public void The_end_of_a_move_does_not_bring_back_what_was_removed()
    {
        var (stream, consumer) = (MetaEntry.UpdateStream(_meta.Stream("S")), MetaEntry.AssignConsumer(_meta.Consumer("S", "C")));
        _meta.IsSlow = true;
        _meta.Leader.DeleteConsumer(_meta.Request(), "S", "C");
        Takes(consumer).ShouldBeFalse("its removal is under way");
        _meta.ApplyAll();
        Takes(consumer).ShouldBeFalse("it is gone");
        Takes(stream).ShouldBeTrue();
        _meta.Leader.DeleteStream(_meta.Request(), "S");
        Takes(stream).ShouldBeFalse();
        _meta.ApplyAll();
        Takes(stream).ShouldBeFalse();
    }

    [Fact]
    public void The_end_of_a_move_does_not_take_back_a_change()
    {
        var (stream, consumer) = (MetaEntry.UpdateStream(_meta.Stream("S")), MetaEntry.AssignConsumer(_meta.Consumer("S", "C")));
        _meta.IsSlow = true;
        _meta.Update("S", configuration => configuration with { Description = "new" });
        _meta.CreateConsumer("S", _meta.Consumer("S", "C").Configuration with { Description = "new" });
        Takes(stream).ShouldBeFalse("a change is under way");
        Takes(consumer).ShouldBeFalse("a change is under way");
        _meta.ApplyAll();
        Takes(stream).ShouldBeFalse("it was changed");
        Takes(consumer).ShouldBeFalse("it was changed");
        Takes(MetaEntry.UpdateStream(_meta.Stream("S"))).ShouldBeTrue();
        Takes(MetaEntry.AssignConsumer(_meta.Consumer("S", "C"))).ShouldBeTrue();
    }

    [Fact]
    public void Nobody_removes_what_has_come_under_the_name_since()
    {
        var removal = MetaEntry.RemoveConsumer(_meta.Consumer("S", "C"));
        Takes(removal).ShouldBeTrue();
        Takes(removal).ShouldBeFalse("once is enough");
        _meta.Applied.State.Apply(removal.Encode()).ShouldBeNull();
        _meta.Now = ApiTime.FromUnix(_meta.Now.UnixNanoseconds + 1);
        _meta.CreateConsumer("S", "C");
        Takes(removal).ShouldBeFalse("it is another one");
    }

    [Fact]
    public void Consumers_of_a_stream_that_was_restored_come_with_their_states()
    {
        var restored = _meta.Consumer("S", "C") with { Name = "R" };
        Takes(MetaEntry.AssignConsumer(restored)).ShouldBeFalse();
        restored = restored with { State = ConsumerStateJson.Write(new GoConsumerState()) };
        Takes(MetaEntry.AssignConsumer(restored)).ShouldBeTrue();
        Takes(MetaEntry.AssignConsumer(restored)).ShouldBeFalse("it is under way");
        _meta.Proposals.Count.ShouldBe(1);
    }

    // The same as with any change right after it; it was lost by the second one.
    [Fact]
    public void A_move_right_after_growing_out_of_one_keeps_who_has_the_data()
    {
        _meta.Create("ONE", 1);
        var holder = _meta.Stream("ONE").Group.Peers[0];
        _meta.Update("ONE", stream => stream with { Replicas = 3 });
        _meta.Leader.MoveStream(_meta.Request(), "ONE", new StreamMoveRequest { Server = _meta.Registry.NameOf(holder) });
        _meta.Stream("ONE").Group.Peers.Count.ShouldBe(4);
        _meta.Update("ONE", stream => stream with { Description = "changed" });
        _meta.Stream("ONE").Configuration.Description.ShouldBe("changed");
        _meta.Stream("ONE").Group.Preferred.ShouldBe(holder);
        _meta.Stream("ONE").Group.IsScaleUp.ShouldBeTrue();
    }

    private bool Takes(MetaEntry entry) => _meta.Leader.TakesForwarded(entry.Encode());
}
