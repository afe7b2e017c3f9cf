namespace NatsAspire.Server.Accounts.Tracing;

/// <summary>Why a traced message did not go out somewhere, in upstream's words.</summary>
public static class TraceErrors
{
    public const string NoEcho = "Not delivered because of no echo";
    public const string SubscriptionDenied = "Not delivered because subscription denies this subject";
    public const string SubscriptionClosed = "Not delivered because subscription is closed";
    public const string ClientClosed = "Not delivered because client is closed";
    public const string AutoUnsubscribeExceeded = "Not delivered because auto-unsubscribe exceeded";
    public const string ProducerNotStalled = "Not delivered because fast producer not stalled and consumer is slow";
    public const string OnlyUnsupported = "Not delivered because remote does not support message tracing";
    public const string Unsupported = "Message delivered but remote does not support message tracing so no trace event generated from there";
}
