namespace NatsAspire.Tests.Support;

/// <summary>
/// Names the nats-server test whose behaviour a test of ours shows as well.
/// The parity report is made from these and from the results of the run.
/// </summary>
/// <param name="file">File name of the upstream test, for example <c>parser_test.go</c>.</param>
/// <param name="test">Function name of the upstream test, for example <c>TestParsePing</c>.</param>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class UpstreamAttribute(string file, string test) : Attribute
{
    public string File { get; } = file;

    public string Test { get; } = test;
}
