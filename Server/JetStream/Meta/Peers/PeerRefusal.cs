using System.Text;
using NatsAspire.Server.JetStream.Api;

namespace NatsAspire.Server.JetStream.Meta.Peers;

/// <summary>Why no group of peers could be found: all that kept servers out, each once. The text is upstream's.</summary>
public sealed class PeerRefusal
{
    private readonly List<string> _missingTags = [];
    private readonly List<string> _excludedTags = [];

    /// <summary>Servers that never said anything of themselves, or too many that are gone.</summary>
    public bool IsOffline { get; set; }

    /// <summary>Servers that want no JetStream assets (tag <c>!jetstream</c>).</summary>
    public bool IsExcluded { get; set; }

    public bool HasNoStorage { get; set; }

    public bool IsTagTaken { get; set; }

    public bool IsOther { get; set; }

    public bool HasNoJetStream { get; set; }

    /// <summary>A server lacked a tag that the stream wants.</summary>
    public void AddMissing(string tag) => AddOnce(_missingTags, tag);

    /// <summary>A server had a tag that the stream does not want.</summary>
    public void AddExcluded(string tag) => AddOnce(_excludedTags, tag);

    /// <summary>What another search failed of counts too.</summary>
    public void Add(PeerRefusal? other)
    {
        if (other is null) return;
        IsOffline |= other.IsOffline;
        IsExcluded |= other.IsExcluded;
        HasNoStorage |= other.HasNoStorage;
        IsTagTaken |= other.IsTagTaken;
        IsOther |= other.IsOther;
        HasNoJetStream |= other.HasNoJetStream;
        foreach (var tag in other._missingTags) AddMissing(tag);
        foreach (var tag in other._excludedTags) AddExcluded(tag);
    }

    /// <summary>As clients are told.</summary>
    public ApiError ToError() => JetStreamErrors.JSClusterNoPeersErrF.With(ToString());

    public override string ToString()
    {
        var text = new StringBuilder("no suitable peers for placement");
        if (IsOffline) text.Append(", peer offline");
        if (IsExcluded) text.Append(", exclude tag set");
        if (HasNoStorage) text.Append(", insufficient storage");
        if (IsTagTaken) text.Append(", server tag not unique");
        if (IsOther) text.Append(", miscellaneous issue");
        if (HasNoJetStream) text.Append(", jetstream not enabled in cluster");
        if (_missingTags.Count > 0) text.Append(", tags not matched [").AppendJoin(", ", _missingTags.Select(static tag => $"'{tag}'")).Append(']');
        if (_excludedTags.Count > 0) text.Append(", tags excluded [").AppendJoin(", ", _excludedTags.Select(static tag => $"'{tag}'")).Append(']');
        return text.ToString();
    }

    private static void AddOnce(List<string> tags, string tag)
    {
        if (!tags.Contains(tag)) tags.Add(tag);
    }
}
