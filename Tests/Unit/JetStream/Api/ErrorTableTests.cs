using System.Reflection;
using NatsAspire.Server.JetStream.Api;
using NatsAspire.Tests.Support;

namespace NatsAspire.Tests.Unit.JetStream.Api;

public sealed class ErrorTableTests
{
    private static readonly Dictionary<string, ApiError> Ours = typeof(JetStreamErrors).GetProperties(BindingFlags.Public | BindingFlags.Static)
        .ToDictionary(property => property.Name, property => (ApiError)property.GetValue(null)!);

    [Fact]
    public void TableIsUpstreams()
    {
        var theirs = Golden.Json("jsapi", "errors.json").EnumerateArray().ToDictionary(
            error => error.GetProperty("constant").GetString()!,
            error => new ApiError(error.GetProperty("code").GetInt32(), error.GetProperty("error_code").GetUInt16(), error.GetProperty("description").GetString()!));
        Ours.OrderBy(error => error.Key).ShouldBe(theirs.OrderBy(error => error.Key));
        Ours.Count.ShouldBe(222);
    }

    [Fact]
    public void NumbersAreUnique() => Ours.Values.Select(error => error.ErrorCode).ShouldBeUnique();

    [Fact]
    [Upstream("jetstream_errors_test.go", "TestApiError_NewWithTags")]
    public void PlaceholdersAreFilledOnce()
    {
        JetStreamErrors.JSRestoreSubscribeFailedErrF.With("the.subject", "failed error").Description
            .ShouldBe("JetStream unable to subscribe to restore snapshot the.subject: failed error");
        JetStreamErrors.JSRestoreSubscribeFailedErrF.Description.ShouldContain("{subject}");
        JetStreamErrors.JSStreamWrongLastSequenceErrF.With(7UL).Description.ShouldBe("wrong last sequence: 7");
        JetStreamErrors.JSInvalidJSONErr.With("{err} {x}").Description.ShouldBe("invalid JSON: {err} {x}");
        JetStreamErrors.JSStreamExternalApiOverlapErrF.With("{subject}", "b").Description.ShouldBe("stream external api prefix {subject} must not overlap with b");
        JetStreamErrors.JSStreamWrongLastSequenceErrF.With(7UL).Is(JetStreamErrors.JSStreamWrongLastSequenceErrF).ShouldBeTrue();
    }

    [Fact]
    [Upstream("jetstream_errors_test.go", "TestIsNatsErr")]
    public void ErrorsAreKnownByTheirNumbers()
    {
        JetStreamErrors.JSNotEnabledForAccountErr.Is(JetStreamErrors.JSNotEnabledForAccountErr).ShouldBeTrue();
        JetStreamErrors.JSNotEnabledForAccountErr.Is(JetStreamErrors.JSClusterNotActiveErr).ShouldBeFalse();
        new ApiError(1, JetStreamErrors.JSNotEnabledForAccountErr.ErrorCode, "").Is(JetStreamErrors.JSNotEnabledForAccountErr).ShouldBeTrue();
    }
}
