namespace NatsAspire.Server.JetStream.Runtime;

/// <summary>Where mailboxes take their turns. From any thread.</summary>
internal interface ITurns : IDisposable
{
    /// <summary>Adds a mailbox whose turn is due.</summary>
    void Add(Mailbox mailbox);

    /// <summary>The same, by whoever takes turns and is about to look what is due: nobody need be woken for it.</summary>
    void AddBehind(Mailbox mailbox);

    /// <summary>Has something done beside the turns: it may wait for the disk. Must not throw.</summary>
    void RunAside(Action work);

    /// <summary>Waits, in a turn, for what another mailbox's turn does.</summary>
    void Wait(Task over);
}
