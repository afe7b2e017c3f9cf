using System.Text;
using NatsAspire.Server.JetStream.Api;

namespace NatsAspire.Tests.Unit.JetStream.Api;

public sealed class ApiSubjectTests
{
    [Theory]
    [InlineData("$JS.API.INFO", ApiRequestKind.AccountInfo, "", "", "")]
    [InlineData("$JS.API.STREAM.CREATE.S", ApiRequestKind.StreamCreate, "S", "", "")]
    [InlineData("$JS.API.STREAM.NAMES", ApiRequestKind.StreamNames, "", "", "")]
    [InlineData("$JS.API.STREAM.MSG.GET.S", ApiRequestKind.MessageGet, "S", "", "")]
    [InlineData("$JS.API.STREAM.LEADER.STEPDOWN.S", ApiRequestKind.StreamLeaderStepDown, "S", "", "")]
    [InlineData("$JS.API.DIRECT.GET.S", ApiRequestKind.DirectGet, "S", "", "")]
    [InlineData("$JS.API.DIRECT.GET.S.a.b", ApiRequestKind.DirectGetLast, "S", "", "a.b")]
    [InlineData("$JS.API.CONSUMER.CREATE.S", ApiRequestKind.ConsumerCreate, "S", "", "")]
    [InlineData("$JS.API.CONSUMER.CREATE.S.C", ApiRequestKind.ConsumerCreateNamed, "S", "", "C")]
    [InlineData("$JS.API.CONSUMER.CREATE.S.C.a.>", ApiRequestKind.ConsumerCreateNamed, "S", "", "C.a.>")]
    [InlineData("$JS.API.CONSUMER.DURABLE.CREATE.S.C", ApiRequestKind.ConsumerCreateDurable, "S", "C", "")]
    [InlineData("$JS.API.CONSUMER.MSG.NEXT.S.C", ApiRequestKind.ConsumerNext, "S", "C", "")]
    [InlineData("$JS.API.CONSUMER.RESET.S.C", ApiRequestKind.ConsumerReset, "S", "C", "")]
    [InlineData("$JS.API.META.LEADER.STEPDOWN", ApiRequestKind.MetaLeaderStepDown, "", "", "")]
    [InlineData("$JS.API.ACCOUNT.STREAM.MOVE.A.S", ApiRequestKind.AccountStreamMove, "A", "S", "")]
    public void SubjectsAreTakenApart(string subject, ApiRequestKind kind, string first, string second, string tail)
    {
        ApiSubject.TryParse(Encoding.UTF8.GetBytes(subject), out var parsed).ShouldBeTrue();
        parsed.Operation.Kind.ShouldBe(kind);
        Encoding.UTF8.GetString(parsed.First).ShouldBe(first);
        Encoding.UTF8.GetString(parsed.Second).ShouldBe(second);
        Encoding.UTF8.GetString(parsed.Tail).ShouldBe(tail);
    }

    [Theory]
    [InlineData("$JS.API")]
    [InlineData("$JS.API.")]
    [InlineData("$JS.API.INFO.x")]
    [InlineData("$JS.API.INFOX")]
    [InlineData("$JS.API.STREAM.BOGUS")]
    [InlineData("$JS.API.STREAM.TEMPLATE.CREATE.X")]
    [InlineData("$JS.API.STREAM.CREATE")]
    [InlineData("$JS.API.STREAM.CREATE.")]
    [InlineData("$JS.API.STREAM.CREATE.a.b")]
    [InlineData("$JS.API.STREAM.CREATEX.a")]
    [InlineData("$JS.API.CONSUMER.INFO.S")]
    [InlineData("$JS.API.CONSUMER.INFO.S.")]
    [InlineData("$JS.API.CONSUMER.INFO..C")]
    [InlineData("$JS.API.DIRECT.GET.S.")]
    [InlineData("$JS.ACK.S.C.1.2.3.4.5")]
    [InlineData("")]
    public void OthersAreNone(string subject) => ApiSubject.TryParse(Encoding.UTF8.GetBytes(subject), out _).ShouldBeFalse();

    /// <summary>Level 4's list (features.md, section 19), without what came in 2.15.</summary>
    [Fact]
    public void EverySubjectIsThere()
    {
        string[] expected =
        [
            "$JS.API.INFO", "$JS.API.STREAM.CREATE.*", "$JS.API.STREAM.UPDATE.*", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO.*",
            "$JS.API.STREAM.DELETE.*", "$JS.API.STREAM.PURGE.*", "$JS.API.STREAM.SNAPSHOT.*", "$JS.API.STREAM.RESTORE.*", "$JS.API.STREAM.MSG.DELETE.*",
            "$JS.API.STREAM.MSG.GET.*", "$JS.API.DIRECT.GET.*", "$JS.API.DIRECT.GET.*.>", "$JS.API.CONSUMER.CREATE.*", "$JS.API.CONSUMER.CREATE.*.>",
            "$JS.API.CONSUMER.DURABLE.CREATE.*.*", "$JS.API.CONSUMER.NAMES.*", "$JS.API.CONSUMER.LIST.*", "$JS.API.CONSUMER.INFO.*.*",
            "$JS.API.CONSUMER.DELETE.*.*", "$JS.API.CONSUMER.PAUSE.*.*", "$JS.API.CONSUMER.UNPIN.*.*", "$JS.API.CONSUMER.RESET.*.*",
            "$JS.API.CONSUMER.MSG.NEXT.*.*", "$JS.API.STREAM.PEER.REMOVE.*", "$JS.API.STREAM.LEADER.STEPDOWN.*", "$JS.API.CONSUMER.LEADER.STEPDOWN.*.*",
            "$JS.API.META.LEADER.STEPDOWN", "$JS.API.SERVER.REMOVE", "$JS.API.ACCOUNT.PURGE.*", "$JS.API.ACCOUNT.STREAM.MOVE.*.*",
            "$JS.API.ACCOUNT.STREAM.CANCEL_MOVE.*.*",
        ];
        ApiOperation.All.ToArray().Select(operation => operation.Pattern).Order().ShouldBe(expected.Order());
        ApiOperation.All.ToArray().Select(operation => operation.Kind).ShouldBeUnique();
    }

    [Fact]
    public void NothingIsAllocated()
    {
        var subject = "$JS.API.CONSUMER.MSG.NEXT.ORDERS.worker"u8.ToArray();
        ApiSubject.TryParse(subject, out _);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) ApiSubject.TryParse(subject, out _);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(1000);
    }
}
