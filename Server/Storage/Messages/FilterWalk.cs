using NatsAspire.Server.Subjects;

namespace NatsAspire.Server.Storage.Messages;

/// <summary>The subjects of a tree that a filter lets through, each once, though several patterns may.</summary>
internal sealed class FilterWalk(SubjectTree<SubjectTotals> tree, SubjectFilter filter)
{
    private SubjectTree<SubjectTotals>.Walker _walker = tree.Walk(filter.IsAll ? default : filter.Patterns[0]);
    private int _pattern;

    public ReadOnlySpan<byte> Subject => _walker.Subject;

    public int Id => _walker.Id;

    public ref readonly SubjectTotals Totals => ref _walker.Value;

    public bool MoveNext()
    {
        while (true)
        {
            while (_walker.MoveNext())
            {
                if (!Seen(_walker.Subject)) return true;
            }
            if (++_pattern >= filter.Patterns.Count) return false;
            _walker = tree.Walk(filter.Patterns[_pattern]);
        }
    }

    private bool Seen(ReadOnlySpan<byte> subject)
    {
        for (var i = 0; i < _pattern; i++)
        {
            if (SubjectRules.Matches(subject, filter.Patterns[i])) return true;
        }
        return false;
    }
}
