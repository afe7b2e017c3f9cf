namespace NatsAspire.Server.JetStream.Streams.Publishing;

/// <summary>What the leader alone changes in a message's headers, before it proposes it.</summary>
internal static class ProposedHeaders
{
    /// <summary>The headers as they are proposed.</summary>
    /// <param name="block">As published.</param>
    /// <param name="addsRollup">It takes the place of its subject's messages.</param>
    /// <param name="change">What it does to a counter; null: it is none.</param>
    /// <param name="editor">Holds the result where something changes.</param>
    public static ReadOnlySpan<byte> Of(ReadOnlySpan<byte> block, bool addsRollup, CounterChange? change, HeaderEditor editor)
    {
        if (!addsRollup && change is not { ChangesHeaders: true }) return block;
        editor.Load(block);
        if (addsRollup) editor.Append("Nats-Rollup"u8, "sub"u8);
        change?.Write(editor);
        return editor.Block;
    }
}
