using NatsAspire.Server.Configuration;

namespace NatsAspire.Server.Accounts.Imports;

/// <summary>A service an account offers to others.</summary>
/// <param name="Account">Who offers it.</param>
/// <param name="Options">How it answers and is measured.</param>
public sealed record ServiceExport(Account Account, ExportOptions Options)
{
    private static readonly TimeSpan DefaultThreshold = TimeSpan.FromMinutes(2);

    /// <summary>How long an answer may take.</summary>
    public TimeSpan Threshold => Options.ResponseThreshold > TimeSpan.Zero ? Options.ResponseThreshold : DefaultThreshold;

    /// <summary>One answer ends a request.</summary>
    public bool IsSingle => Options.Response == ServiceResponse.Single;
}
