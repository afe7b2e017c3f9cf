namespace NatsAspire.Tests.Simulation.Meta;

/// <summary>What clients know of something they asked for.</summary>
internal enum Known
{
    /// <summary>It was never made, or its removal was confirmed.</summary>
    Absent,

    /// <summary>It was confirmed.</summary>
    Present,

    /// <summary>Something was asked for and not answered: it may come about at any time.</summary>
    Open,
}

/// <summary>A stream as its clients know it; its name is used again only after each answer was clear.</summary>
internal sealed class Asset(string name)
{
    public string Name => name;

    public Known State { get; set; }

    /// <summary>Its durable consumer.</summary>
    public Known Consumer { get; set; }

    /// <summary>Asked for last, and confirmed when <see cref="State"/> says so.</summary>
    public int Replicas { get; set; }

    /// <summary>Goes up with each change of the configuration.</summary>
    public int Version { get; set; }

    /// <summary>Grows when it is made or removed: what was published before is another's.</summary>
    public int Generation { get; set; }

    /// <summary>Something is under way.</summary>
    public bool IsBusy { get; set; }

    /// <summary>Acknowledged messages of this generation.</summary>
    public Dictionary<ulong, string> Stored { get; } = [];

    /// <summary>Nothing is known of it any more.</summary>
    public void Lose()
    {
        State = Consumer = Known.Open;
        Generation++;
        Stored.Clear();
    }
}
